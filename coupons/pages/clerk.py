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

from coupons.models import Shift
from coupons.queries.shifts import open_shift_of
from coupons.services.till import STORE_KEY, store_of_session
from foundation import clock
from foundation.models import Operator
from foundation.page_policy import SCRIPTS, SCRIPTS_AND_WASM, strict_page
from members.models import Store
from members.queries.stores import may_undo_in

DEVICE_COOKIE = "till_device"
DEVICE_SALT = "coupons.till.device"
DEVICE_SECONDS = 400 * 86_400  # the longest a browser keeps a cookie


@dataclass(frozen=True, slots=True)
class Clerk:
    """A clerk at a till."""

    operator: Operator
    store: Store
    device_id: str
    shift: Shift | None  # the one that is open here; None before work has begun
    is_manager: bool  # whether they may undo for the whole store


TillPage = Callable[..., HttpResponse]


def till_page(view: TillPage) -> Callable[..., HttpResponseBase]:
    """Call `view(request, clerk, …)` for a clerk with a store; others are led to what is missing."""
    return _guarded(view, scripts=SCRIPTS)


def scanning_page(view: TillPage) -> Callable[..., HttpResponseBase]:
    """The same for pages that hold the camera, whose reader is WebAssembly."""
    return _guarded(view, scripts=SCRIPTS_AND_WASM, allowed=("camera", "screen-wake-lock"))


def _guarded(view: TillPage, *, scripts: str, allowed: tuple[str, ...] = ()) -> Callable[..., HttpResponseBase]:
    @strict_page(scripts=scripts, allowed=allowed)
    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, Operator):
            return redirect(f"{reverse('coupons:till_login')}?{urlencode({'next': request.path})}")
        if not request.user.has_perm("coupons.redeem"):
            return render(request, "coupons/not_allowed.html", status=403)
        device_id = _device_of(request)
        store, shift = _place_of(request, request.user, device_id)
        if store is None:
            return redirect("coupons:till_store")
        if request.session.get(STORE_KEY) != store.pk:
            request.session[STORE_KEY] = store.pk
        is_manager = may_undo_in(operator=request.user, store_id=store.pk, now=clock.now())
        clerk = Clerk(request.user, store, device_id, shift, is_manager)
        response = view(request, clerk, *args, **kwargs)
        _keep_device(response, clerk.device_id)
        return response

    return page


def _place_of(request: HttpRequest, operator: Operator, device_id: str) -> tuple[Store | None, Shift | None]:
    """Where the shift that is open here was begun, as long as they work there; else the session's store."""
    shift, now = open_shift_of(clerk_id=operator.pk), clock.now()
    if shift is not None and shift.device_id == device_id:
        store = store_of_session(operator=operator, store_id=shift.store_id, now=now)
        if store is not None:
            return store, shift
    return store_of_session(operator=operator, store_id=request.session.get(STORE_KEY), now=now), None


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
