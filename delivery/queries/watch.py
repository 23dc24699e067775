"""What a person has to see to: unsure messages and receipts without a message by age, and a machine that stands."""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from delivery.models import Heartbeat, Receipt, UnsureMessage
from delivery.queries.unsure import Known, oldest_known

HOUR, DAY, THREE_DAYS = timedelta(hours=1), timedelta(days=1), timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Bands:
    """How many are younger than an hour, a day, three days, or older. The bounds belong to the older band."""

    hour: int = 0
    day: int = 0
    three_days: int = 0
    older: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.hour + self.day + self.three_days + self.older

    def __add__(self, other: "Bands") -> "Bands":
        return Bands(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def unsure_bands(*, now: datetime) -> dict[int, Bands]:
    """Unsure messages by channel, by how long they have been unsure."""
    return _bands(UnsureMessage.objects.all(), "since", now=now)


def stray_bands(*, now: datetime) -> dict[int, Bands]:
    """Receipts without a message by channel, by when they came."""
    return _bands(Receipt.objects.filter(merged_at__isnull=True), "received_at", now=now)


def _bands(rows: QuerySet[Any], field: str, *, now: datetime) -> dict[int, Bands]:
    def younger(age: timedelta) -> Q:
        return Q(**{f"{field}__gt": now - age})

    found = rows.values("channel_id").order_by("channel_id").annotate(
        hour=Count("pk", filter=younger(HOUR)), day=Count("pk", filter=younger(DAY) & ~younger(HOUR)),
        three_days=Count("pk", filter=younger(THREE_DAYS) & ~younger(DAY)),
        older=Count("pk", filter=~younger(THREE_DAYS)),
    )  # fmt: skip
    return {row.pop("channel_id"): Bands(**row) for row in found}


BEATING = ("clock", "sweep")  # what starts campaigns, and what gives back and ends
SILENT_AFTER = timedelta(seconds=90)


def standing_since(*, now: datetime) -> tuple[bool, datetime | None]:
    """
    Whether a part of the machine gives no sign of life any more, and since when; None when it never gave one.

    Whoever asks must not be part of it: a page.
    """
    seen = dict(Heartbeat.objects.filter(name__in=BEATING).values_list("name", "at"))
    if len(seen) < len(BEATING):
        return True, None
    oldest = min(seen.values())
    return now - oldest > SILENT_AFTER, oldest


def newest_known(*, limit: int, before_id: int | None) -> list[Known]:
    """The newest unsure messages below `before_id` with what is known of each, the newest first."""
    rows = UnsureMessage.objects.all() if before_id is None else UnsureMessage.objects.filter(pk__lt=before_id)
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    # Numbers of unsure messages between the lowest and the highest found are exactly these.
    return list(reversed(oldest_known(limit=len(ids), after_id=ids[-1] - 1)))
