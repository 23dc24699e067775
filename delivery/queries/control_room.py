"""What the pages from which staff watch and steer the sending ask for."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True)
class Lane:
    """One tier: what waits, what is in a worker's or a provider's hands right now, and who holds it."""

    tier: str
    waiting: int
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


def lanes(*, tiers: list[str], shown: list[UnderWay]) -> list[Lane]:
    """The state of each tier; `shown` are the dispatches under way."""
    states = [HandoffState.TAKEN, HandoffState.FENCED]
    in_hands = {row[0]: int(row[1]) for row in fetch_all(IN_HANDS, {"states": states})}
    brakes = {one.scope: one for one in Brake.objects.select_related("by")}
    waiting = {tier: sum(one.waiting for one in shown if one.dispatch.tier == tier) for tier in tiers}
    return [Lane(tier, waiting[tier], in_hands.get(tier, 0), brakes.get(f"TIER:{tier}")) for tier in tiers]


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
