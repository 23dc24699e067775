"""Who stands at the till: login, permission, store and device, checked before every page."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from coupons.services.till import STORE_KEY, store_of_session
from foundation.models import Operator
from foundation.page_policy import SCRIPTS, SCRIPTS_AND_WASM, strict_page
from members.models import Store

DEVICE_COOKIE = "till_device"
DEVICE_SALT = "coupons.till.device"
DEVICE_SECONDS = 400 * 86_400  # the longest a browser keeps a cookie


@dataclass(frozen=True, slots=True)
class Clerk:
    """A clerk at a till."""

    operator: Operator
    store: Store
    device_id: str

    @property
    def is_manager(self) -> bool:
        """Whether they may undo for the whole store."""
        return self.operator.has_perm("coupons.reverse_in_store")


TillPage = Callable[..., HttpResponse]


def till_page(view: TillPage) -> Callable[..., HttpResponseBase]:
    """Call `view(request, clerk, …)` for a clerk with a store; others are led to what is missing."""
    return _guarded(view, scripts=SCRIPTS)


def scanning_page(view: TillPage) -> Callable[..., HttpResponseBase]:
    """The same for pages that hold the camera, whose reader is WebAssembly."""
    return _guarded(view, scripts=SCRIPTS_AND_WASM)


def _guarded(view: TillPage, *, scripts: str) -> Callable[..., HttpResponseBase]:
    @strict_page(scripts=scripts)
    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, Operator):
            return redirect(f"{reverse('coupons:till_login')}?{urlencode({'next': request.path})}")
        if not request.user.has_perm("coupons.redeem"):
            return render(request, "coupons/not_allowed.html", status=403)
        store = store_of_session(operator=request.user, store_id=request.session.get(STORE_KEY))
        if store is None:
            return redirect("coupons:till_store")
        request.session[STORE_KEY] = store.pk
        clerk = Clerk(request.user, store, _device_of(request))
        response = view(request, clerk, *args, **kwargs)
        _keep_device(response, clerk.device_id)
        return response

    return page


def _device_of(request: HttpRequest) -> str:
    """The browser's own number, given once; signed, so that it is one of ours."""
    try:
        known = request.get_signed_cookie(DEVICE_COOKIE, default="", salt=DEVICE_SALT)
    except BadSignature:
        known = ""
    return known or secrets.token_hex(16)


def _keep_device(response: HttpResponse, device_id: str) -> None:
    response.set_signed_cookie(
        DEVICE_COOKIE, device_id, salt=DEVICE_SALT, max_age=DEVICE_SECONDS, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE, path="/till/",
    )  # fmt: skip
