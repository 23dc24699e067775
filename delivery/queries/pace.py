"""How fast a dispatch leaves, from its hand-offs; they are kept for two weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.db import fetch_all

MINUTE = timedelta(minutes=1)
STEPS = (1, 2, 5, 10, 30, 60, 180, 720)  # minutes that one point may stand for
POINTS = 60

LEFT = "delivery_handoff WHERE dispatch_id = %(dispatch_id)s AND state IN ('FENCED', 'RECORDED', 'LOST')"
SPAN = f"SELECT min(created_at), max(created_at) FROM {LEFT}"
BY_STEP = f"""
SELECT date_bin(%(step)s, created_at, %(origin)s) AS at, sum(cardinality(message_ids))::bigint
FROM {LEFT} AND created_at >= %(since)s AND created_at < %(until)s GROUP BY at
"""
BY_CHANNEL = f"""
SELECT channel_id, sum(cardinality(message_ids))::bigint
FROM {LEFT} AND created_at > %(since)s GROUP BY channel_id
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages handed over in steps of so many whole minutes, oldest first; a step that is not over is not there."""

    step_minutes: int
    points: Sequence[tuple[datetime, int]]


def span_of(*, dispatch_id: int) -> tuple[datetime | None, datetime | None]:
    """When the first and the last chunk of a dispatch was taken to be handed over; None where nothing is kept."""
    first, last = fetch_all(SPAN, {"dispatch_id": dispatch_id})[0]
    return first, last


def pace_of(*, dispatch_id: int, now: datetime) -> Pace:
    """How many messages of a dispatch were handed over in each step; at most POINTS steps. Index: handoff_dispatch."""
    first, last = span_of(dispatch_id=dispatch_id)
    if first is None or last is None:
        return Pace(1, ())
    minutes = (last - first) // MINUTE + 2
    size = next((one for one in STEPS if one * POINTS >= minutes), STEPS[-1])
    step, since = size * MINUTE, first.replace(second=0, microsecond=0)
    count = min(min(now - since, last - since + step) // step, POINTS)
    facts = {"dispatch_id": dispatch_id, "step": step, "origin": since, "since": since, "until": since + count * step}
    found = dict(fetch_all(BY_STEP, facts))
    times = [since + number * step for number in range(count)]
    return Pace(size, [(at, found.get(at, 0)) for at in times])


def handed_over_lately(*, dispatch_id: int, now: datetime) -> dict[int, int]:
    """Messages of a dispatch that each channel was handed in the last minute."""
    return dict(fetch_all(BY_CHANNEL, {"dispatch_id": dispatch_id, "since": now - MINUTE}))


IN_HANDS = """
SELECT COALESCE(sum(cardinality(message_ids)), 0)::bigint FROM delivery_handoff
WHERE dispatch_id = %(dispatch_id)s AND state IN ('TAKEN', 'FENCED')
"""


def in_hands(*, dispatch_id: int) -> int:
    """Messages of a dispatch in the hands of workers: they may leave even when it is paused. Index: handoff_open."""
    return int(fetch_all(IN_HANDS, {"dispatch_id": dispatch_id})[0][0])
