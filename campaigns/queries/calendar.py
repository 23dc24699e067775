"""What is planned and what has run, day by day."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from campaigns.models import Campaign, CampaignState, Repeat, Run
from campaigns.rules.recurrence import occurrences
from coupons.models import CouponTerms
from delivery.rules.window import day_of

MOVABLE = (CampaignState.DRAFT, CampaignState.REJECTED, CampaignState.SUBMITTED)
PLANNED = (*MOVABLE, CampaignState.APPROVED)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One occurrence of a campaign. `people` is None while nobody has counted them, `run_id` before it has begun.

    `state` is the campaign's, or the run's once there is one.
    """

    campaign_id: int
    name: str
    at: datetime
    state: str
    label: str
    people: int | None
    run_id: int | None
    is_movable: bool


def entries(*, since: datetime, until: datetime) -> list[Entry]:
    """All occurrences in `[since, until)`, by time. Two queries, however many there are."""
    runs = Run.objects.filter(occurrence_at__gte=since, occurrence_at__lt=until).select_related("campaign", "sheet")
    found = [_of_run(run) for run in runs]
    begun = {(one.campaign_id, one.at) for one in found}
    planned = Campaign.objects.filter(
        Q(next_at__lt=until) | Q(next_at=None, scheduled_at__lt=until), state__in=PLANNED
    ).exclude(repeat=Repeat.ONCE, scheduled_at__lt=since)  # fmt: skip
    for campaign in planned.select_related("sheet"):
        found += [one for one in _of_campaign(campaign, since, until) if (one.campaign_id, one.at) not in begun]
    return sorted(found, key=lambda one: (one.at, one.campaign_id))


def _of_run(run: Run) -> Entry:
    campaign = run.campaign
    people = run.planned_count if run.dispatch_id else None
    return Entry(
        campaign.pk, campaign.name, run.occurrence_at, run.state, run.get_state_display(), people, run.pk, False
    )  # fmt: skip


def _of_campaign(campaign: Campaign, since: datetime, until: datetime) -> list[Entry]:
    is_counted = campaign.state in (CampaignState.SUBMITTED, CampaignState.APPROVED) and campaign.sheet is not None
    people = campaign.sheet.facts["will_receive"] if is_counted and campaign.sheet else None
    times = occurrences(
        campaign.scheduled_at, campaign.repeat, since=campaign.next_at or campaign.scheduled_at, until_at=until,
        until=campaign.repeat_until,
    )  # fmt: skip
    return [
        Entry(
            campaign.pk, campaign.name, at, campaign.state, campaign.get_state_display(), people, None,
            campaign.state in MOVABLE and at == campaign.scheduled_at,
        )
        for at in times if since <= at < until
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Usable:
    """A coupon with fixed dates: usable on each day from `first` to `last`."""

    name: str
    first: date
    last: date


def usable_coupons(*, since: datetime, until: datetime, campaign_ids: set[int]) -> list[Usable]:
    """The coupons of these campaigns that can be used at fixed dates within `[since, until)`."""
    given = Campaign.objects.filter(pk__in=campaign_ids).values("coupon_terms_id")
    terms = CouponTerms.objects.filter(pk__in=given, valid_from__lt=until, valid_until__gt=since)
    return [
        # valid_until itself is too late already
        Usable(name, day_of(first), day_of(last - timedelta(microseconds=1)))
        for name, first, last in terms.order_by("valid_from", "id").values_list(
            "batch__name", "valid_from", "valid_until"
        )
        if first is not None and last is not None
    ]
