"""Who may not be written to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from members.models import Suppression


def suppressed_at(*, phone_hashes: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of `phone_hashes` that the suppression list forbids at `now`."""
    entries = Suppression.objects.in_force_at(now).filter(phone_hash__in=list(phone_hashes))
    return set(entries.values_list("phone_hash", flat=True))
