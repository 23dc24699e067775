"""What every work place shares: who may come in, unfold's frame around the page, refusals as sentences."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_datetime

from foundation.errors import DomainError

View = Callable[..., HttpResponseBase]


def workplace(*permissions: str, by_store: bool = False) -> Callable[[View], View]:
    """
    A page for logged-in staff; with `permissions`, for those who have one of them. Closed by default.

    Closed, too, to who works for some stores only, unless it is `by_store`: then it reads the rows in row scope.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_staff or (permissions and not any(user.has_perm(name) for name in permissions)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        vars(guarded)["by_store"] = by_store  # read by console.doors.scope
        return guarded

    return decorate


def page(request: HttpRequest, template: str, title: Any, status: int = 200, **context: Any) -> HttpResponse:
    """A page inside unfold's frame: sidebar, top bar, theme, language."""
    frame = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"console/{template}.html", frame, status=status)


def attempt(request: HttpRequest, done: Any, call: Callable[..., Any], **arguments: Any) -> bool:
    """Make one service call; its refusal or its success becomes a message. Returns whether it was done."""
    try:
        call(**arguments)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, str(done))
    return True


def seen_at(request: HttpRequest) -> datetime | None:
    """The `changed_at` of the row as the page showed it to whoever decides; None when the form does not say."""
    return parse_datetime(request.POST.get("seen", ""))


def need(request: HttpRequest, *permissions: str) -> None:
    """Raises PermissionDenied unless the operator has one of the permissions."""
    if not any(request.user.has_perm(name) for name in permissions):
        raise PermissionDenied
