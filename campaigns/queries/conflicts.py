"""Other campaigns that write to the same people at about the same time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Coalesce

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.queries.audience import JUDGED
from foundation.db import compose, fetch_value
from members.queries.segment import members_of

AROUND = timedelta(hours=24)  # the rolling day in which caps count
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another campaign and how many people of the judged audience it writes to as well."""

    campaign_id: int
    name: str
    at: datetime
    people: int


def neighbours(*, campaign: Campaign, at: datetime) -> list[Neighbour]:
    """
    Campaigns and runs within a day of `at`, the nearest first, at most five, each with its shared people.

    Needs the block of `judged_audience`. One statement each: of a run its audience, of a plan its segment.
    """
    span = (at - AROUND, at + AROUND)
    found = [
        Neighbour(one.campaign_id, one.campaign.name, one.occurrence_at, _shared_with_run(one))
        for one in _runs(span, campaign)
    ]
    for one in _plans(span, campaign):
        found.append(Neighbour(one.pk, one.name, one.begins_at, _shared_with_plan(one, at)))  # type: ignore[attr-defined]
    found.sort(key=lambda one: (abs(one.at - at), one.campaign_id))
    return [one for one in found if one.people][:SHOWN]


def _runs(span: tuple[datetime, datetime], campaign: Campaign) -> list[Run]:
    gone = (RunState.FAILED, RunState.SKIPPED, RunState.ASKING, RunState.FIRED)
    rows = Run.objects.filter(occurrence_at__range=span).exclude(campaign_id=campaign.pk).exclude(state__in=gone)
    return list(rows.select_related("campaign").order_by("-occurrence_at")[:SHOWN])


def _plans(span: tuple[datetime, datetime], campaign: Campaign) -> list[Campaign]:
    rows = Campaign.objects.filter(state__in=(CampaignState.SUBMITTED, CampaignState.APPROVED)).exclude(pk=campaign.pk)
    rows = rows.annotate(begins_at=Coalesce("next_at", "scheduled_at")).filter(begins_at__range=span)
    return list(rows.select_related("segment").order_by("begins_at")[:SHOWN])


def _shared_with_run(run: Run) -> int:
    sql = (
        f"SELECT count(*) FROM {JUDGED} j JOIN campaigns_runaudience a"
        " ON a.run_id = %(run_id)s AND a.member_id = j.member_id AND a.exclusion = '' WHERE j.exclusion = ''"
    )
    return int(fetch_value(sql, {"run_id": run.pk}))


def _shared_with_plan(campaign: Campaign, now: datetime) -> int:
    sql, params = members_of(rule=campaign.segment.rule, now=now).values("id").query.sql_with_params()
    segment = compose(sql, params).replace("%", "%%")
    shared = f"SELECT count(*) FROM {JUDGED} j JOIN ({segment}) p ON p.id = j.member_id WHERE j.exclusion = ''"
    return int(fetch_value(shared, {}))
