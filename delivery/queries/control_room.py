"""What the pages from which staff watch and steer the sending ask for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Coalesce

from delivery.models import Brake, Channel, ChannelDay, Dispatch, DispatchState, HandoffState
from delivery.queries.channels import pulses, standing_of
from delivery.queries.tally import tally_of
from delivery.rules.health import ROLLING, Pulse, share
from delivery.rules.window import day_of, minute_of_day
from foundation.db import fetch_all

SHOWN = 50


@dataclass(frozen=True)
class UnderWay:
    """A dispatch that still has something to send."""

    dispatch: Dispatch
    waiting: int
    done: int
    unsure: int

    @property
    def all(self) -> int:
        """Its messages; 1 for none, so that a bar has a length."""
        return max(self.waiting + self.done, 1)


@dataclass(frozen=True)
class Lane:
    """
    One tier: what waits, what providers have taken without a receipt yet, since when the oldest should have left,
    what is in a worker's hands right now, and who holds it.
    """

    tier: str
    waiting: int
    at_providers: int
    oldest: datetime | None
    in_hands: int
    brake: Brake | None


def under_way() -> list[UnderWay]:
    """The newest dispatches that are not closed, with their counts."""
    states = [DispatchState.FILLING, DispatchState.OPEN, DispatchState.PAUSED]
    found = list(Dispatch.objects.filter(state__in=states, closed_at__isnull=True).order_by("-id")[:SHOWN])
    counts: dict[int, dict[str, int]] = {one.pk: {} for one in found}
    for row in tally_of(dispatch_ids=list(counts)):
        states_of = counts[row.dispatch_id]
        states_of[row.state] = states_of.get(row.state, 0) + row.message_count
    return [
        UnderWay(
            one, waiting=counts[one.pk].get("PLANNED", 0), unsure=counts[one.pk].get("UNSURE", 0),
            done=sum(count for state, count in counts[one.pk].items() if state != "PLANNED"),
        )
        for one in found
    ]  # fmt: skip


IN_HANDS = """
SELECT d.tier, sum(cardinality(h.message_ids))
FROM delivery_handoff h JOIN delivery_dispatch d ON d.id = h.dispatch_id
WHERE h.state = ANY(%(states)s) GROUP BY d.tier
"""

BY_TIER = """
WITH shown AS (
    SELECT id, tier, state, not_before FROM delivery_dispatch WHERE expires_at > %(since)s
), counted AS (
    SELECT dispatch_id, state, sum(message_count) AS many FROM (
        SELECT dispatch_id, state, message_count FROM delivery_tally WHERE dispatch_id IN (SELECT id FROM shown)
        UNION ALL
        SELECT dispatch_id, state, message_count FROM delivery_tallydelta WHERE dispatch_id IN (SELECT id FROM shown)
    ) both_of GROUP BY dispatch_id, state HAVING sum(message_count) > 0
)
SELECT d.tier, COALESCE(sum(c.many) FILTER (WHERE c.state = 'PLANNED' AND d.state <> 'STOPPED'), 0)::bigint,
       COALESCE(sum(c.many) FILTER (WHERE c.state = 'ACCEPTED'), 0)::bigint,
       min(d.not_before) FILTER (WHERE c.state = 'PLANNED' AND d.state = 'OPEN' AND d.not_before <= %(now)s)
FROM counted c JOIN shown d ON d.id = c.dispatch_id GROUP BY d.tier
"""


def lanes(*, tiers: list[str], now: datetime) -> list[Lane]:
    """The state of each tier. What waits for a receipt is looked for as long as receipts are."""
    states = [HandoffState.TAKEN, HandoffState.FENCED]
    in_hands = {row[0]: int(row[1]) for row in fetch_all(IN_HANDS, {"states": states})}
    since = now - timedelta(hours=settings.UNREPORTED_HOURS)
    found = {tier: counts for tier, *counts in fetch_all(BY_TIER, {"since": since, "now": now})}
    brakes = {one.scope: one for one in Brake.objects.select_related("by")}
    lanes_of = []
    for tier in tiers:
        waiting, at_providers, oldest = found.get(tier, (0, 0, None))
        brake = brakes.get(f"TIER:{tier}")
        lanes_of.append(Lane(tier, waiting, at_providers, oldest, in_hands.get(tier, 0), brake))
    return lanes_of


@dataclass(frozen=True)
class Condition:
    """
    A channel as staff see it: `percent` of its weight that it carries, its last ten minutes, its quota of today.

    `is_awake` says whether its sending hours allow it now.
    """

    channel: Channel
    percent: int
    pulse: Pulse
    is_awake: bool
    used_today: int

    @property
    def unsure_percent(self) -> int:
        """Whole percents of the tries whose end nobody knew at first."""
        return self.pulse.unsure * 100 // self.pulse.tries if self.pulse.tries else 0


def conditions(*, now: datetime) -> list[Condition]:
    """All channels and how they are."""
    rolling, minute = pulses(since=now - ROLLING), minute_of_day(now)
    rows = ChannelDay.objects.filter(day=day_of(now)).values_list("channel_id")
    used = dict(rows.annotate(parts=Coalesce(Sum("part_count"), 0)))
    return [
        Condition(
            one, share(standing_of(one), now=now) if one.state == "OPEN" else 0, rolling.get(one.pk, Pulse()),
            one.opens_at_minute <= minute < one.closes_at_minute, used.get(one.pk, 0),
        )
        for one in Channel.objects.order_by("id")
    ]  # fmt: skip
