"""The suppression list."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from foundation.models import Operator
from foundation.services import audit
from members.models import Suppression, SuppressionKind

HARD_FAILURE_DAYS = 90  # numbers are given out again; after this time one message may try


@transaction.atomic
def suppress(
    *, phone_hash: UUID, kind: str, now: datetime, until: datetime | None = None, note: str = "", tail: str = "",
    by: Operator | None = None,
) -> Suppression:  # fmt: skip
    """Put a phone on the list; a repeat only moves `until`."""
    entry, is_new = Suppression.objects.update_or_create(
        phone_hash=phone_hash, kind=kind, defaults={"until": until},
        create_defaults={"until": until, "since": now, "note": note, "phone_tail": tail, "by": by},
    )  # fmt: skip
    if by is not None and is_new:
        audit.record(action="suppression.added", subject=f"members.suppression:{entry.pk}", by=by, now=now)
    return entry


@transaction.atomic
def lift(*, suppression_id: int, by: Operator, now: datetime) -> None:
    """Take an entry off the list. A repeat changes nothing."""
    if Suppression.objects.filter(pk=suppression_id).delete()[0]:
        audit.record(action="suppression.lifted", subject=f"members.suppression:{suppression_id}", by=by, now=now)


def on_hard_failure(*, payload: dict[str, Any], now: datetime) -> None:
    """News from delivery: numbers that a provider calls bad rest for HARD_FAILURE_DAYS."""
    for phone_hash in sorted(payload["phone_hashes"]):
        suppress(
            phone_hash=UUID(phone_hash), kind=SuppressionKind.HARD_FAILURE, now=now,
            until=now + timedelta(days=HARD_FAILURE_DAYS), note=payload.get("code", ""),
        )  # fmt: skip
