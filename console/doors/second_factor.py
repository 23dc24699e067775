"""The second step of a login at the office, and tying a phone for it."""

import time
from base64 import b32encode
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from console.workplaces.base import page, workplace
from coupons.rules.qr import side, svg_path
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import Authenticator, Operator
from foundation.services import second_factor as services

FEW_CODES = 3


@login_required
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the phone, or for a recovery code."""
    operator, error = operator_of(request), ""
    if services.stand_of(session=request.session, operator=operator) != "CODE":
        return redirect(_onward(request))
    if request.method == "POST":
        try:
            left = services.enter(**_entered(request, operator))
        except DomainError as refusal:
            error = str(refusal)
        else:
            _warn_of_few(request, left)
            return redirect(_onward(request))
    return page(request, "login_code", _("Code"), 400 if error else 200, error=error, next=_onward(request))


@require_http_methods(["GET", "POST"])
@workplace()
def second_factor(request: HttpRequest) -> HttpResponse:
    """Tie a phone; for whoever has one, how it stands."""
    operator, error = operator_of(request), ""
    if not settings.SECOND_FACTOR:
        return page(request, "second_factor", _("Second factor"), is_off=True)
    is_tied = services.has_one(operator=operator)
    if request.method == "POST":
        try:
            codes = services.enrol(**_entered(request, operator))
        except DomainError as refusal:
            error = str(refusal)
        else:
            return _shown_once(request, codes)
    if is_tied and "another" not in request.GET and not error:
        count = services.recovery_count(operator=operator)
        return page(request, "second_factor", _("Second factor"), is_tied=True, count=count)
    waiting = _drawing(services.begin_enrolment(operator=operator, session=request.session))
    return page(
        request, "second_factor", _("Tie your phone"), 400 if error else 200, error=error, next=_onward(request),
        is_forced=not is_tied, **waiting,
    )  # fmt: skip


@require_POST
@workplace()
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes instead of the old ones."""
    operator = operator_of(request)
    if not services.has_one(operator=operator):
        return redirect("second-factor")
    return _shown_once(request, services.renew_codes(operator=operator, now=clock.now()))


def _entered(request: HttpRequest, operator: Operator) -> dict[str, Any]:
    return {
        "operator": operator, "text": request.POST.get("code", ""), "session": request.session, "at": time.time(),
        "now": clock.now(),
    }  # fmt: skip


@sensitive_variables("codes")
def _shown_once(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """The codes: this answer is the only place where they ever stand."""
    return page(request, "recovery_codes", _("Recovery codes"), codes=codes, next=_onward(request))


def _onward(request: HttpRequest) -> str:
    """Where the visitor wanted to go, if that is a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if is_ours and wanted.startswith("/") else reverse("admin:index")


def _warn_of_few(request: HttpRequest, left: int | None) -> None:
    if left is not None and left <= FEW_CODES:
        words = ngettext("%(left)s recovery code is left.", "%(left)s recovery codes are left.", left)
        more = _("Make new ones on the page of your second factor.")
        messages.warning(request, f"{words % {'left': left}} {more}")


def _drawing(waiting: Authenticator) -> dict[str, Any]:
    """The secret as a phone's camera reads it, and in groups of four for typing."""
    qr: QRCode = QRCode(error_correction=ERROR_CORRECT_M)
    qr.add_data(waiting.config_url)
    qr.make(fit=True)
    secret = b32encode(waiting.bin_key).decode().rstrip("=")
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return {"path": svg_path(qr.modules), "side": side(qr.modules), "secret": groups}
