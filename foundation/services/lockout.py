"""
Wrong passwords: counted in the database by django-axes, for a name from one address and for a name from anywhere.

The second limit is higher: anybody who knows a name can reach it and keep its owner out until IT unlocks.
"""

import logging
from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse

log = logging.getLogger(__name__)

# As axes names what is counted together; each with its limit.
COUNTED: list[Any] = [["username", "ip_address"], "username"]


class Handler(AxesDatabaseHandler):
    """Axes' counts, with a limit for each way of counting. Named by AXES_HANDLER."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """The fuller count, as axes compares it with its one limit, that of a name from one address."""
        near, wide = (_count(rows) for rows in self.get_user_attempts(request, credentials))
        return max(near, wide * settings.AXES_FAILURE_LIMIT // settings.LOGIN_FAILURES_PER_NAME)

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """A login forgives what went wrong from its own address; what others try on this name goes on counting."""
        near, _wide = self.filter_user_attempts(request, credentials)
        forgiven, _by_model = near.delete()
        return forgiven


def wait_minutes(request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
    """After how many minutes this name may try again from here, rounded up; 0 when it may now."""
    limits = (settings.AXES_FAILURE_LIMIT, settings.LOGIN_FAILURES_PER_NAME)
    found = zip(Handler().get_user_attempts(request, credentials), limits, strict=True)
    ends = [rows.aggregate(at=Max("attempt_time"))["at"] for rows, limit in found if _count(rows) >= limit]
    if not ends:
        return 0
    rest: timedelta = max(ends) + settings.AXES_COOLOFF_TIME - getattr(request, "axes_attempt_time")  # noqa: B009
    return max(-int(-rest.total_seconds() // 60), 1)


def answer(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """The door's own page, which says for how long, as 429. Named by AXES_LOCKOUT_CALLABLE."""
    log.warning("login_locked", extra={"door": request.path})
    response.status_code = 429
    response["Retry-After"] = str(wait_minutes(request, credentials) * 60)
    return response


def failures_of(*, username: str) -> int:
    """How many wrong passwords count against a name now, from wherever."""
    rows = AccessAttempt.objects.filter(username=username)
    return _count(rows)


def forget(*, username: str) -> int:
    """Let a name try again at once; how many wrong passwords are forgotten."""
    rows = AccessAttempt.objects.filter(username=username)
    count = _count(rows)
    rows.delete()
    return count


def _count(rows: QuerySet[AccessAttempt]) -> int:
    return rows.aggregate(count=Sum("failures_since_start"))["count"] or 0
