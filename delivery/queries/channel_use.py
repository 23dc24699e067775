"""What channels have cost of late, what waits at their providers, and how their minutes went."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from delivery.rules.window import SHANGHAI, day_of
from foundation.db import fetch_all

USE_DAYS = 7
MINUTES = 24


@dataclass(frozen=True, slots=True)
class Use:
    """
    Messages that a channel's provider took and has not reported on, and what the channel cost in whole days of late.

    `cost` is 1/10000 yuan over `days`, which begin with the first of the last seven that cost anything.
    """

    at_provider: int = 0
    cost: int = 0
    days: int = 0

    def lasting(self, balance: int) -> int | None:
        """For how many tenths of a day a balance is enough, rounded down; None when nothing was used."""
        return max(balance, 0) * self.days * 10 // self.cost if self.cost > 0 else None


USE = """
WITH shown AS (
    SELECT id, not_before, not_before >= %(since)s AND not_before < %(midnight)s AS is_counted,
           expires_at > %(alive)s AS is_alive
    FROM delivery_dispatch
    WHERE (not_before >= %(since)s AND not_before < %(midnight)s) OR expires_at > %(alive)s
), counted AS (
    SELECT s.*, c.channel_id, c.state, c.message_count, c.cost
    FROM shown s JOIN delivery_tally c ON c.dispatch_id = s.id
    UNION ALL
    SELECT s.*, c.channel_id, c.state, c.message_count, c.cost
    FROM shown s JOIN delivery_tallydelta c ON c.dispatch_id = s.id
)
SELECT channel_id, COALESCE(sum(message_count) FILTER (WHERE is_alive AND state = 'ACCEPTED'), 0)::bigint,
       COALESCE(sum(cost) FILTER (WHERE is_counted), 0)::bigint,
       min(not_before) FILTER (WHERE is_counted AND cost > 0)
FROM counted GROUP BY channel_id
"""


def use_of_channels(*, now: datetime) -> dict[int, Use]:
    """The use of each channel. Days are those of Asia/Shanghai, today's not among them."""
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = fetch_all(USE, {
        "since": midnight - timedelta(days=USE_DAYS), "midnight": midnight,
        "alive": now - timedelta(hours=settings.UNREPORTED_HOURS),
    })  # fmt: skip
    return {
        channel_id: Use(waiting, cost, (day_of(now) - day_of(first)).days if first is not None else 0)
        for channel_id, waiting, cost, first in rows
    }


@dataclass(frozen=True, slots=True)
class Minute:
    """The receipts of a channel in one minute; `delay_seconds` is their sum."""

    delivered: int
    receipts: int
    delay_seconds: int


BY_MINUTE = """
SELECT channel_id, date_trunc('minute', at), sum(delivered_count)::bigint,
       sum(delivered_count + undelivered_count)::bigint, sum(delay_seconds)::bigint
FROM delivery_channelpulse WHERE at >= %(since)s AND at < %(until)s AND delivered_count + undelivered_count > 0
GROUP BY 1, 2
"""


def last_minutes(*, now: datetime) -> list[datetime]:
    """The beginnings of the last whole minutes, oldest first; the running one is not among them."""
    until = now.replace(second=0, microsecond=0)
    return [until - timedelta(minutes=back) for back in range(MINUTES, 0, -1)]


def receipts_by_minute(*, now: datetime) -> dict[int, dict[datetime, Minute]]:
    """The receipts of each channel in each of the last minutes; a minute without any is left out."""
    whole = last_minutes(now=now)
    found: dict[int, dict[datetime, Minute]] = defaultdict(dict)
    for channel_id, at, *counts in fetch_all(BY_MINUTE, {"since": whole[0], "until": whole[-1] + timedelta(minutes=1)}):
        found[channel_id][at] = Minute(*counts)
    return dict(found)
