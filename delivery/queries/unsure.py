"""Messages of which nobody knows whether the provider took them: how many, how old, what is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min

from delivery.models import Attempt, Channel, Dispatch, Message, UnsureMessage


@dataclass(frozen=True, slots=True)
class Ages:
    """How many are unsure, and since when the oldest."""

    count: int
    oldest: datetime | None


def ages() -> Ages:
    """Over all channels."""
    row = UnsureMessage.objects.aggregate(count=Count("pk"), oldest=Min("since"))
    return Ages(row["count"], row["oldest"])


def ages_by_channel() -> dict[int, Ages]:
    """By channel."""
    rows = UnsureMessage.objects.values("channel_id").annotate(count=Count("pk"), oldest=Min("since"))
    return {row["channel_id"]: Ages(row["count"], row["oldest"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one unsure message."""

    row: UnsureMessage
    message: Message
    channel: Channel | None
    source: str
    tries: list[Attempt]


def oldest_known(*, limit: int, after_id: int = 0) -> list[Known]:
    """The oldest unsure messages with what is known of each; a constant number of queries."""
    rows = list(UnsureMessage.objects.filter(pk__gt=after_id).order_by("pk")[:limit])
    if not rows:
        return []
    months, ids = {one.month for one in rows}, [one.pk for one in rows]
    messages: dict[int, Any] = {one.id: one for one in Message.objects.filter(month__in=months, id__in=ids)}
    channels = Channel.objects.in_bulk({one.channel_id for one in rows})
    sources = dict(Dispatch.objects.filter(pk__in={one.dispatch_id for one in rows}).values_list("pk", "source"))
    tries: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(message_id__in=ids).order_by("id"):
        tries.setdefault(attempt.message_id, []).append(attempt)
    return [
        Known(one, messages[one.pk], channels.get(one.channel_id), sources.get(one.dispatch_id, ""),
              tries.get(one.pk, []))
        for one in rows if one.pk in messages
    ]  # fmt: skip
