"""The gate before every page: a login that is over is none."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from foundation.models import Operator
from foundation.services import sessions

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
        return get_response(request)

    return answer


def _had_a_login(request: HttpRequest) -> bool:
    """Whether the browser still shows the key of a session that is gone."""
    is_ours = request.path.startswith(("/console/", "/till/"))
    return is_ours and settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty()


def _is_work(request: HttpRequest) -> bool:
    """Whether a person did something; a page that looks for news by itself did not."""
    return request.method != "GET" or "HX-Request" not in request.headers
