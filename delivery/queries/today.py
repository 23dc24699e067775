"""
How the sending goes today, from the tallies. A message counts at the time for which its dispatch was planned.

The internal tier counts nowhere: people try out a text on their own phone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.models import MessageState
from foundation.db import fetch_all
from templates_sms.models import Tier

WITH_RESULT = (MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.UNREPORTED)
SUBMITTED = (*WITH_RESULT, MessageState.ACCEPTED, MessageState.UNSURE)
HOURS = 24
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent in a time. `cost` is in 1/10000 yuan; `with_result` is what the delivery rate is a share of."""

    submitted: int = 0
    with_result: int = 0
    delivered: int = 0
    cost: int = 0


SENT = """
WITH shown AS (
    SELECT id, not_before >= %(midnight)s AS is_today FROM delivery_dispatch
    WHERE tier <> 'INTERNAL' AND (
        not_before BETWEEN %(midnight)s AND %(now)s OR not_before BETWEEN %(midnight_before)s AND %(now_before)s)
), counted AS (
    SELECT s.is_today, c.state, c.message_count, c.cost
    FROM shown s JOIN delivery_tally c ON c.dispatch_id = s.id
    UNION ALL
    SELECT s.is_today, c.state, c.message_count, c.cost
    FROM shown s JOIN delivery_tallydelta c ON c.dispatch_id = s.id
)
SELECT is_today, COALESCE(sum(message_count) FILTER (WHERE state = ANY(%(submitted)s)), 0)::bigint,
       COALESCE(sum(message_count) FILTER (WHERE state = ANY(%(with_result)s)), 0)::bigint,
       COALESCE(sum(message_count) FILTER (WHERE state = 'DELIVERED'), 0)::bigint, sum(cost)::bigint
FROM counted GROUP BY is_today
"""


def sent_today(*, midnight: datetime, now: datetime) -> tuple[Sent, Sent]:
    """What was sent from `midnight` to `now`, and what a day before until the same time of day."""
    rows = fetch_all(SENT, {
        "midnight": midnight, "now": now, "midnight_before": midnight - DAY, "now_before": now - DAY,
        "submitted": _names(SUBMITTED), "with_result": _names(WITH_RESULT),
    })  # fmt: skip
    found = {is_today: Sent(*counts) for is_today, *counts in rows}
    return found.get(True, Sent()), found.get(False, Sent())


@dataclass(frozen=True, slots=True)
class SentHour:
    """Messages submitted of one planned hour."""

    hour: datetime
    marketing: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All tiers."""
        return self.marketing + self.other


BY_HOUR = """
WITH shown AS (
    SELECT id, tier, date_trunc('hour', not_before) AS hour
    FROM delivery_dispatch WHERE tier <> 'INTERNAL' AND not_before BETWEEN %(since)s AND %(now)s
), counted AS (
    SELECT s.tier, s.hour, c.state, c.message_count
    FROM shown s JOIN delivery_tally c ON c.dispatch_id = s.id
    UNION ALL
    SELECT s.tier, s.hour, c.state, c.message_count
    FROM shown s JOIN delivery_tallydelta c ON c.dispatch_id = s.id
)
SELECT hour, COALESCE(sum(message_count) FILTER (WHERE tier = %(marketing)s), 0)::bigint,
       COALESCE(sum(message_count) FILTER (WHERE tier <> %(marketing)s), 0)::bigint
FROM counted WHERE state = ANY(%(submitted)s) GROUP BY hour
"""


def sent_by_hour(*, now: datetime) -> list[SentHour]:
    """The last 24 planned hours, oldest first; the last one is not over."""
    latest = now.replace(minute=0, second=0, microsecond=0)
    hours = [latest - timedelta(hours=back) for back in reversed(range(HOURS))]
    rows = fetch_all(
        BY_HOUR,
        {"since": hours[0], "now": now, "marketing": str(Tier.MARKETING), "submitted": _names(SUBMITTED)},
    )
    found = {hour: SentHour(hour, marketing, other) for hour, marketing, other in rows}
    return [found.get(hour, SentHour(hour)) for hour in hours]


def _names(states: Iterable[MessageState]) -> list[str]:
    return [str(one) for one in states]
