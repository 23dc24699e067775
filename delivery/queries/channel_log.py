"""What was done to channels, by circuits and by staff, and what was seen and left: newest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from delivery.models import Channel, ChannelNote, ChannelNoteKind
from foundation.models import Alert
from foundation.queries import latest_entries


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line: a ChannelNoteKind, an audit action, or BALANCE_LOW.

    `ended_at` is when what it tells of was over, `end` the facts of then.
    """

    at: datetime
    channel: Channel
    kind: str
    facts: dict[str, Any]
    by: str = ""
    ended_at: datetime | None = None
    end: dict[str, Any] = field(default_factory=dict)


def channel_log(*, limit: int) -> list[Line]:
    """The newest lines of all channels."""
    channels = {f"delivery.channel:{one.pk}": one for one in Channel.objects.all()}
    lines = [*_noted(limit), *_done(channels, limit), *_low(channels, limit)]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def _noted(limit: int) -> Iterator[Line]:
    """Notes; the end of an episode is told in the line of its beginning."""
    ends: dict[int, ChannelNote] = {}
    for one in ChannelNote.objects.select_related("channel").order_by("-id")[: 2 * limit + 1]:
        if one.kind == ChannelNoteKind.WELL:
            ends[one.channel_id] = one
            continue
        end = ends.pop(one.channel_id, None)
        over = (end.at, end.facts) if end is not None else (None, {})
        yield Line(one.at, one.channel, one.kind, one.facts, "", *over)


def _done(channels: dict[str, Channel], limit: int) -> Iterator[Line]:
    for one in latest_entries(subjects=list(channels), limit=limit):
        yield Line(one.at, channels[one.subject], one.action, one.detail, by=str(one.actor or ""))


def _low(channels: dict[str, Channel], limit: int) -> Iterator[Line]:
    alerts = Alert.objects.filter(code="BALANCE_LOW", subject__in=channels).select_related("closed_by")
    for one in alerts.order_by("-first_at", "-id")[:limit]:
        by = str(one.closed_by) if one.closed_by is not None else ""
        yield Line(one.first_at, channels[one.subject], one.code, one.facts, by=by, ended_at=one.closed_at)
