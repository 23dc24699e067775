"""The waves of a run, as the freeze asks for them."""

from datetime import datetime
from typing import Any

from campaigns.models import Campaign, Run, WaveKind
from campaigns.rules.lateness import expires_at
from campaigns.rules.waves import Group, WavePlan
from delivery.queries.calendar import days_closed_to
from delivery.rules.window import next_allowed
from foundation.db import fetch_all

# What tells the groups of a kind of wave apart, and what brings them into order.
GROUPS = {
    WaveKind.STORE: ("m.home_store_id", "s.code"),
    WaveKind.REGION: ("NULLIF(m.city, '')", "m.city"),
}
FOUND = """
SELECT wave_group
FROM (SELECT DISTINCT {group} AS wave_group, {order} AS wave_order
      FROM ({audience}) a
      JOIN members_member m ON m.id = a.member_id
      LEFT JOIN members_store s ON s.id = m.home_store_id
      WHERE a.exclusion = '') found
ORDER BY wave_group IS NULL, wave_order COLLATE "C", wave_group
"""


def begins_at(*, campaign: Campaign, planned_at: datetime, now: datetime) -> datetime:
    """The instant from which waves count: the first that window and days allow, at `now` at the soonest."""
    at = max(planned_at, now)
    closed = days_closed_to(rule=campaign.day_rule, now=at)
    return next_allowed(at, campaign.window_from_minute, campaign.window_until_minute, closed)


def groups_of(*, campaign: Campaign, audience: str, params: dict[str, Any]) -> list[Group]:
    """The groups whose waves follow each other, in order; `audience` selects member_id and exclusion."""
    if campaign.wave_kind not in GROUPS:
        return []
    group, order = GROUPS[WaveKind(campaign.wave_kind)]
    rows = fetch_all(FOUND.format(group=group, order=order, audience=audience), params)
    return [row[0] for row in rows]


def wave_ranks(*, run: Run) -> dict[Group, int]:
    """
    The rank of each store (by code) or city found in a run's fixed audience; None stands for neither, and is last.

    Reads the whole audience: ask once per run, not per chunk. Empty when the run has no such waves.
    """
    audience = "SELECT member_id, exclusion FROM campaigns_runaudience WHERE run_id = %(run_id)s"
    groups = groups_of(campaign=run.campaign, audience=audience, params={"run_id": run.pk})
    return {group: rank for rank, group in enumerate(groups)}


def wave_plan(*, run: Run) -> WavePlan:
    """The waves of a run whose audience is fixed, the same for every worker. Ask once per run: see `wave_ranks`."""
    campaign = run.campaign
    start = begins_at(campaign=campaign, planned_at=run.occurrence_at, now=run.fired_at)
    return WavePlan(
        kind=campaign.wave_kind, count=campaign.wave_count, minutes=campaign.wave_minutes, begins_at=start,
        room=expires_at(run.occurrence_at, campaign.valid_hours) - start, ranks=wave_ranks(run=run),
    )  # fmt: skip
