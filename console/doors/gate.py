"""The gate before every page: a login that is over is none, one that is not complete leads to its next step."""

import time
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.models import Operator
from foundation.services import second_factor, sessions

# Pages that ask for no login and know nothing of one.
WITHOUT_LOGIN = ("/c/", "/p/", "/l/", "/hooks/", "/healthz")
LEAVING = ("admin:logout", "coupons:till_logout", "set_language")
Answer = Callable[[HttpRequest], HttpResponse]


def gate(get_response: Answer) -> Answer:
    """Middleware, after those of sessions, users and messages."""

    def answer(request: HttpRequest) -> HttpResponse:
        operator, at = request.user, time.time()
        if isinstance(operator, Operator):
            if sessions.is_over(session=request.session, operator=operator, at=at):
                logout(request)  # whoever asks is a stranger from here on, and every page knows what to do with one
                messages.warning(request, _("Your login has run out. Please log in again."))
            elif _is_work(request):
                sessions.note_work(session=request.session, at=at)
        elif _had_a_login(request):
            messages.warning(
                request, _("Your login has ended: by IT, or by another login of yours. Please log in again.")
            )
        step = next_step(request, request.user) if isinstance(request.user, Operator) else ""
        return (_lead_to(request, step) if step else None) or get_response(request)

    return answer


def next_step(request: HttpRequest, operator: Operator) -> str:
    """The name of the page that stands between a login and everything else; empty when nothing does."""
    wanted = second_factor.stand_of(session=request.session, operator=operator)
    if wanted == "CODE":
        return "login-code" if operator.is_staff else "coupons:till_code"
    if operator.one_time_until is not None:
        return "own-password" if operator.is_staff else "coupons:till_password"
    return "second-factor" if wanted else ""


def _lead_to(request: HttpRequest, step: str) -> HttpResponse | None:
    """Closed by default: whatever is asked for, the answer is the step, but for the step itself and leaving."""
    path = reverse(step)
    if request.path in (path, *(reverse(name) for name in LEAVING)) or request.path.startswith(WITHOUT_LOGIN):
        return None
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Redirect": path})
    if request.path.startswith("/till/api/"):
        return JsonResponse({"code": "NOT_AUTHENTICATED", "detail": _("Please finish logging in.")}, status=401)
    if request.method != "GET":
        return redirect(path)
    return redirect(f"{path}?{urlencode({'next': request.get_full_path()})}")


def _had_a_login(request: HttpRequest) -> bool:
    """Whether the browser still shows the key of a session that is gone."""
    is_ours = request.path.startswith(("/console/", "/till/"))
    return is_ours and settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty()


def _is_work(request: HttpRequest) -> bool:
    """Whether a person did something; a page that looks for news by itself did not."""
    return request.method != "GET" or "HX-Request" not in request.headers
