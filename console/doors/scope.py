"""Whose rows an office page reads: those of every store, or of the stores that an operator works for."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from console.middleware import OFFICE
from foundation import clock
from foundation.models import Operator
from foundation.row_scope import each_limited_to, is_store_bound, limited_to, stores_in_scope
from members.queries.stores import scope_of

# Without rows of any store: one's own login, the words of scripts.
OPEN = ("admin:logout", "admin:jsi18n")
Answer = Callable[[HttpRequest], HttpResponseBase]


def row_scope(get_response: Answer) -> Answer:
    """
    Middleware, after the gate: an operator who may not see every store reads the rows of theirs.

    Closed by default: of the office they open pages that say `by_store`, and lists of rows that belong to a store.
    Outside the office pages choose their rows themselves: the till by its shift, public pages by their token.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        operator = request.user
        if not request.path.startswith(OFFICE) or not isinstance(operator, Operator) or not operator.is_staff:
            return get_response(request)
        stores = scope_of(operator=operator, now=clock.now())
        with limited_to(stores):
            response = get_response(request)
        if stores is not None and getattr(response, "streaming", False):
            response.streaming_content = each_limited_to(stores, response.streaming_content)  # type: ignore[attr-defined]
        return response

    answer.process_view = _refuse_what_is_not_by_store  # type: ignore[attr-defined]
    return answer


def _refuse_what_is_not_by_store(
    request: HttpRequest, view: Any, _args: Any, _kwargs: Any
) -> HttpResponseBase | None:  # fmt: skip
    if stores_in_scope() is None:
        return None
    name = request.resolver_match.view_name if request.resolver_match else ""
    if name == "admin:index":
        return redirect("own-stores" if request.user.has_perm("coupons.view_redemption") else "rights")
    if name in OPEN or getattr(view, "by_store", False) or view.__module__.startswith("console.doors."):
        return None
    listed = getattr(view, "model_admin", None)
    if listed is not None and is_store_bound(listed.model):
        return None
    raise PermissionDenied
