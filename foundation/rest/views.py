"""The base of every view of the API."""

from collections.abc import Mapping
from contextlib import ExitStack
from enum import Enum
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from foundation import clock
from foundation.models import ApiKey, Operator
from foundation.rest.auth import HasScope, KeyThrottle, SignedKeyAuthentication, sample_denied
from foundation.rest.errors import answer_to
from foundation.row_scope import limited_to, reach_of


class ShallowJSONParser(JSONParser):
    """JSON that is nested without end is no JSON."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as deep:
            raise exceptions.ParseError from deep


class AnswersErrors(APIView):
    """Errors in the one form of `foundation.rest.errors`, input read by serializers."""

    parser_classes = [ShallowJSONParser]

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            exc.auth_header = self.get_authenticate_header(self.request)  # type: ignore[union-attr]
        answer = answer_to(exc, self.get_exception_handler_context())
        return answer if answer is not None else super().handle_exception(exc)

    def read(self, form: type[Serializer], data: Any) -> dict[str, Any]:
        """The checked input. Raises ValidationError."""
        found = form(data=data)
        found.is_valid(raise_exception=True)
        facts: dict[str, Any] = found.validated_data
        return facts


class ByStore(Enum):
    """What a view does for a key that reaches some stores only."""

    CLOSED = "closed"
    LIMITED = "reads the rows of these stores"
    CHECKED = "the service checks the store of what is asked"


class ApiView(AnswersErrors):
    """
    One use-case for other systems. `scopes` names what each of its methods needs; a method without is closed.

    `stores` says how it treats a key that reaches some stores only; unless a view says more it is closed to such a key.
    """

    authentication_classes = [SignedKeyAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [KeyThrottle]
    renderer_classes = [JSONRenderer]
    scopes: ClassVar[Mapping[str, str]] = {}
    stores: ClassVar[ByStore] = ByStore.CLOSED

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer within the row scope of the key, which is known once it has been asked for."""
        with ExitStack() as self.row_scope:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls, what it may, whose rows it reads. Raises PermissionDenied."""
        super().initial(request, *args, **kwargs)
        reached = reach_of(self.caller, clock.now())
        if reached is None or self.stores == ByStore.CHECKED:
            return
        if self.stores == ByStore.CLOSED:
            sample_denied(request, self.key, "STORE_SCOPE")
            raise exceptions.PermissionDenied(_("This is open to keys for every store only."), "STORE_SCOPE")
        self.row_scope.enter_context(limited_to(reached))

    @property
    def key(self) -> ApiKey:
        """The key of the caller."""
        key = self.request.auth
        assert isinstance(key, ApiKey)
        return key

    @property
    def caller(self) -> Operator:
        """The operator that the key acts as."""
        return self.key.operator


class ByNumber(CursorPagination):
    """Pages by cursor, newest first; what is added meanwhile shifts nothing."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


CURSOR = [
    OpenApiParameter("cursor", str, description="Where the page begins: taken from `next` or `previous`."),
    OpenApiParameter("limit", int, description="Rows of a page: 50 unless said, 200 at most."),
]


def page_of(request: Request, rows: QuerySet[Any], shown: type[Serializer], *, view: APIView) -> Response:
    """One page of rows: `results`, and the addresses of the `next` and `previous` page or null."""
    pager = ByNumber()
    found = pager.paginate_queryset(rows, request, view=view)
    return pager.get_paginated_response(shown(found, many=True).data)


def page_schema(shown: type[Serializer]) -> Any:
    """How the API's description calls a page of rows."""
    fields = {
        "next": serializers.URLField(allow_null=True), "previous": serializers.URLField(allow_null=True),
        "results": shown(many=True),
    }  # fmt: skip
    return inline_serializer(f"{shown.__name__}Page", fields)
