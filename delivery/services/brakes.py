"""The red button: all sending, or one tier, held and released."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from delivery.models import Brake
from foundation import queue
from foundation.errors import HasMoved
from foundation.models import Operator
from foundation.services import audit
from templates_sms.models import Tier

ALL = "ALL"


def scope_of(tier: str) -> str:
    """The scope that holds one tier."""
    return f"TIER:{tier}"


SCOPES = (ALL, *(scope_of(tier) for tier in Tier.values))


@transaction.atomic
def pull(*, scope: str, reason: str, by: Operator, now: datetime) -> None:
    """
    Hold a scope: from the commit on no worker hands anybody of it over. Raises HasMoved when it is held already,
    ValueError for an unknown scope.
    """
    if scope not in SCOPES:
        raise ValueError(scope)
    _brake, is_new = Brake.objects.get_or_create(scope=scope, defaults={"reason": reason[:200], "by": by, "at": now})
    if not is_new:
        raise HasMoved(_("This is held already."))
    audit.record(action="brake.pulled", subject=f"delivery.brake:{scope}", by=by, now=now, reason=reason[:200])


@transaction.atomic
def release(*, scope: str, by: Operator, now: datetime) -> None:
    """Sending goes on with the exact next person. Raises HasMoved when nothing is held."""
    if not Brake.objects.filter(scope=scope).delete()[0]:
        raise HasMoved(_("This is not held."))
    audit.record(action="brake.released", subject=f"delivery.brake:{scope}", by=by, now=now)
    queue.ring("delivery.pump_urgent")
    queue.ring("delivery.pump_bulk")


def held_tiers() -> set[str]:
    """The tiers that are held now; every one when all sending is."""
    scopes = set(Brake.objects.values_list("scope", flat=True))
    return {tier for tier in Tier.values if _is_held(tier, scopes)}


def _is_held(tier: str, scopes: Iterable[str]) -> bool:
    return ALL in scopes or scope_of(tier) in scopes
