"""An operator's access: what IT does for somebody who cannot get in, or should not be in."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import Operator, Session
from foundation.services import access as services
from foundation.services import lockout, second_factor

Call = Callable[..., Any]
RIGHT = "foundation.change_operator"


def _acts() -> dict[str, tuple[Call, str]]:
    """What can be done with one press, and how it is said afterwards."""
    return {
        "unlock": (services.unlock, _("Unlocked. They may log in again at once.")),
        "second-factor": (services.reset_second_factor, _("The phone is untied. The next login ties another one.")),
        "logout": (services.end_logins, _("Logged out everywhere.")),
    }


@require_safe
@workplace(RIGHT)
def access(request: HttpRequest, pk: int) -> HttpResponse:
    """What stands between an operator and the console."""
    return _page(request, pk)


@require_POST
@workplace(RIGHT)
def access_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do one thing for the operator."""
    known = _acts().get(action)
    if known is None or not Operator.objects.filter(pk=pk).exists():
        raise Http404
    call, done = known
    attempt(request, done, call, operator_id=pk, by=operator_of(request), now=clock.now())
    return redirect("operator-access", pk=pk)


@sensitive_variables("password")
@require_POST
@workplace(RIGHT)
def give_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a one-time password and show it, once: this answer is the only place where it ever stands."""
    get_object_or_404(Operator, pk=pk)
    try:
        password = services.give_one_time_password(operator_id=pk, by=operator_of(request), now=clock.now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("operator-access", pk=pk)
    return _page(request, pk, password=password)


def _page(request: HttpRequest, pk: int, **more: Any) -> HttpResponse:
    operator = get_object_or_404(Operator, pk=pk)
    logins = Session.objects.filter(operator=operator, expire_date__gt=clock.now()).order_by("begun_at")
    context: dict[str, Any] = {
        "operator": operator, "logins": logins, "is_me": operator.pk == operator_of(request).pk,
        "failures": lockout.failures_of(username=operator.username), "is_asked": settings.SECOND_FACTOR,
        "has_phone": second_factor.has_one(operator=operator),
        "codes_count": second_factor.recovery_count(operator=operator),
    }  # fmt: skip
    return page(request, "access", _("Access of %(name)s") % {"name": operator}, **context, **more)
