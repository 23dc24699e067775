"""Campaigns: drafted, submitted, approved or sent back by somebody else."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignReview, CampaignState, Repeat, WaveKind
from campaigns.queries import open_runs, preflight
from campaigns.rules.recurrence import next_occurrence
from campaigns.rules.waves import SHARED, last_offset
from coupons.models import BatchState, CouponTerms
from delivery.rules.window import DAY_MINUTES
from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import Operator
from foundation.services import audit
from members.models import Segment
from templates_sms.models import TemplateVersion, Tier
from templates_sms.rules.merge_fields import fields_in

COUPON_FIELDS = frozenset({"coupon_code", "coupon_link", "expires"})
MOST_WAVES = 100


class CampaignRefused(DomainError):
    """The campaign can't be sent as it is."""

    code = "CAMPAIGN_REFUSED"


# What came later than the first campaigns: it counts only where it differs from how those behave.
LATER_FIELDS = (
    "day_rule", "repeat", "repeat_until", "late_policy", "late_minutes", "wave_kind", "wave_count", "wave_minutes",
)  # fmt: skip


def content_sha256(campaign: Campaign) -> str:
    """SHA-256 over all that was approved: whom, what, which gift, when, how often, how fast."""
    content = {
        "segment": campaign.segment.rule,
        "text": campaign.template_version.sha256,
        "terms": campaign.coupon_terms.sha256 if campaign.coupon_terms else None,
        "batch": campaign.coupon_terms.batch_id if campaign.coupon_terms else None,
        "at": campaign.scheduled_at.timestamp(),
        "window": [campaign.window_from_minute, campaign.window_until_minute],
        "valid_hours": campaign.valid_hours,
        "cap_policy": campaign.cap_policy,
    }
    plain = Campaign()
    for name in LATER_FIELDS:
        if (value := getattr(campaign, name)) != getattr(plain, name):
            content[name] = str(value)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check(campaign: Campaign) -> None:
    """Raises CampaignRefused when its parts don't fit each other, or one of them is not approved."""
    _check_text_and_gift(campaign)
    if campaign.window_from_minute >= campaign.window_until_minute:
        raise CampaignRefused(_("The window ends before it begins."))
    if campaign.late_minutes < 1:
        raise CampaignRefused(_("A run is late after one minute at the soonest."))
    _check_repeat(campaign)
    _check_waves(campaign)


def _check_text_and_gift(campaign: Campaign) -> None:
    version, terms = campaign.template_version, campaign.coupon_terms
    if version.tier != Tier.MARKETING:
        raise CampaignRefused(_("A campaign needs a marketing text."))
    if fields_in(version.body) & COUPON_FIELDS and terms is None:
        raise CampaignRefused(_("The text speaks of a coupon, but no coupon was chosen."))
    if terms is not None and not fields_in(version.body) & {"coupon_code", "coupon_link"}:
        raise CampaignRefused(_("A coupon was chosen, but the text has neither its code nor its link."))
    if terms is not None and terms.batch.state != BatchState.ACTIVE:
        raise CampaignRefused(_("The coupon batch is not approved."))
    if terms is not None and terms.valid_until is not None and terms.valid_until <= campaign.scheduled_at:
        raise CampaignRefused(_("The coupon ends before the campaign is sent."))


def _check_repeat(campaign: Campaign) -> None:
    if campaign.repeat == Repeat.ONCE:
        return
    first, until, terms = campaign.scheduled_at, campaign.repeat_until, campaign.coupon_terms
    if next_occurrence(first, campaign.repeat, first, until) is None:
        raise CampaignRefused(_("The repetition ends before it has repeated once."))
    if terms is None or terms.valid_until is None:
        return
    after_coupon = next_occurrence(first, campaign.repeat, terms.valid_until - timedelta(microseconds=1), until)
    if after_coupon is not None:
        raise CampaignRefused(_("The repetition goes on after the coupon has ended; end it before, or give days."))


def _check_waves(campaign: Campaign) -> None:
    kind, count, minutes = campaign.wave_kind, campaign.wave_count, campaign.wave_minutes
    if not (1 <= count <= MOST_WAVES and 0 <= minutes <= DAY_MINUTES):
        raise CampaignRefused(_("There are 1 to 100 waves, at most 1440 minutes apart."))
    if kind == WaveKind.NONE:
        return
    if minutes < 1:
        raise CampaignRefused(_("Say how many minutes lie between two waves."))
    if kind in SHARED and count < 2:
        raise CampaignRefused(_("It takes two waves at least."))
    # Of stores and cities, the preflight sheet knows how many there are.
    if last_offset(kind, count=count, minutes=minutes) >= timedelta(hours=campaign.valid_hours):
        raise CampaignRefused(_("The last wave would begin after the campaign is given up."))


@transaction.atomic
def save_draft(
    *, campaign_id: int | None, name: str, segment: Segment, version: TemplateVersion, terms: CouponTerms | None,
    scheduled_at: datetime, by: Operator, now: datetime, **options: Any,
) -> Campaign:  # fmt: skip
    """
    Make a campaign or change its draft; an approved one goes back to draft, and nothing of it begins until approved.

    Raises CampaignRefused, HasMoved while it is in review or a run of it is under way.
    """
    facts = {
        "name": name, "segment": segment, "template_version": version, "coupon_terms": terms,
        "scheduled_at": scheduled_at, "changed_at": now, "state": CampaignState.DRAFT, "author": by,
        "approved_by": None, "approved_at": None, "approved_sha256": "", "next_at": None,
        **options,
    }  # fmt: skip
    check(Campaign(**facts))
    if campaign_id is None:
        return Campaign.objects.create(**facts)
    open_states = [CampaignState.DRAFT, CampaignState.REJECTED, CampaignState.APPROVED]
    # The lock comes before the look at its runs: Beat may be firing one, and a freeze needs what was approved.
    _locked(campaign_id)
    if open_runs(campaign_id=campaign_id).exists():
        raise HasMoved(_("A run of this campaign is under way; it can be changed when that has ended."))
    if not Campaign.objects.filter(pk=campaign_id, state__in=open_states).update(**facts):
        raise HasMoved(_("This campaign is being reviewed or has begun; it can't be changed now."))
    return Campaign.objects.get(pk=campaign_id)


def _locked(campaign_id: int) -> Campaign:
    return (
        Campaign.objects.select_for_update(of=("self",))
        .select_related("segment", "template_version", "coupon_terms__batch")
        .get(pk=campaign_id)
    )


@transaction.atomic
def submit(*, campaign_id: int, by: Operator, now: datetime) -> None:
    """Hand a draft to review. Raises CampaignRefused when the preflight sheet has a blocker, HasMoved."""
    campaign = _locked(campaign_id)
    check(campaign)
    if campaign.scheduled_at <= now:
        raise CampaignRefused(_("The time to send has passed; choose a later one."))
    blockers = preflight(campaign=campaign, now=now).blockers
    if blockers:
        raise CampaignRefused(" ".join(str(one) for one in blockers))
    _move(campaign, [CampaignState.DRAFT, CampaignState.REJECTED], CampaignState.SUBMITTED, now=now)
    _note(campaign, "SUBMITTED", by=by, now=now)


@transaction.atomic
def approve(*, campaign_id: int, by: Operator, now: datetime) -> None:
    """
    Let Beat fire a submitted campaign from its planned time on; when that has passed, its start is a late one.

    Raises NotAllowed for its author, CampaignRefused, HasMoved.
    """
    campaign = _locked(campaign_id)
    if campaign.author_id == by.pk:
        raise NotAllowed(_("Nobody approves their own campaign. Ask a colleague."))
    check(campaign)
    _move(
        campaign, [CampaignState.SUBMITTED], CampaignState.APPROVED, now=now, approved_by=by, approved_at=now,
        approved_sha256=content_sha256(campaign), next_at=campaign.scheduled_at,
    )  # fmt: skip
    _note(campaign, "APPROVED", by=by, now=now)


@transaction.atomic
def reject(*, campaign_id: int, reason: str, by: Operator, now: datetime) -> None:
    """Send a submitted campaign back. Raises NotAllowed for its author, DomainError without a reason, HasMoved."""
    campaign = _locked(campaign_id)
    if campaign.author_id == by.pk:
        raise NotAllowed(_("Nobody reviews their own campaign. Ask a colleague."))
    if not reason.strip():
        raise DomainError(_("Say what has to change."))
    _move(campaign, [CampaignState.SUBMITTED], CampaignState.REJECTED, now=now)
    _note(campaign, "REJECTED", by=by, now=now, reason=reason.strip()[:200])


def _move(campaign: Campaign, old: list[CampaignState], new: CampaignState, *, now: datetime, **facts: Any) -> None:
    if not Campaign.objects.filter(pk=campaign.pk, state__in=old).update(state=new, changed_at=now, **facts):
        raise HasMoved(_("Somebody was faster: the state of this campaign has changed."))


def _note(campaign: Campaign, action: str, *, by: Operator, now: datetime, reason: str = "") -> None:
    sha256 = content_sha256(campaign)
    CampaignReview.objects.create(campaign=campaign, action=action, sha256=sha256, by=by, at=now, reason=reason)
    audit.record(
        action=f"campaign.{action.lower()}", subject=f"campaigns.campaign:{campaign.pk}", by=by, now=now,
        sha256=sha256,
    )  # fmt: skip
