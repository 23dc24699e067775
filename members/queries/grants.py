"""Rights for a time: one's own, those that wait for a decision, those in force."""

from datetime import datetime

from django.db.models import QuerySet

from foundation.models import Operator
from members.models import GrantState, RoleGrant


def _shown() -> QuerySet[RoleGrant]:
    return RoleGrant.objects.select_related("operator", "role", "decided_by").prefetch_related("stores")


def grants_of(*, operator: Operator, limit: int) -> list[RoleGrant]:
    """What somebody has asked for, newest first."""
    return list(_shown().filter(operator=operator).order_by("-id")[:limit])


def grants_to_decide(*, by: Operator) -> list[RoleGrant]:
    """What others have asked for and somebody has to decide, oldest first."""
    return list(_shown().filter(state=GrantState.ASKED).exclude(operator=by).order_by("asked_at", "id"))


def grants_in_force(*, now: datetime) -> list[RoleGrant]:
    """All rights that are given now, those that end first at the top."""
    return list(_shown().filter(pk__in=RoleGrant.objects.in_force_at(now).values("pk")).order_by("until", "id"))
