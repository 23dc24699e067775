"""Campaigns before review: drafted, changed, copied, moved to another time."""

import hashlib
import json
import re
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignState, Repeat, WaveKind
from campaigns.queries import open_runs
from campaigns.rules.recurrence import next_occurrence
from campaigns.rules.waves import SHARED, last_offset
from campaigns.services.mirror import mirror
from coupons.models import BatchState, CouponTerms
from delivery.rules.window import DAY_MINUTES, hours_of
from foundation.errors import DomainError, HasMoved
from foundation.models import Operator
from members.models import Segment
from templates_sms.models import TemplateVersion, Tier
from templates_sms.rules.merge_fields import fields_in

COUPON_FIELDS = frozenset({"coupon_code", "coupon_link", "expires"})
MOST_WAVES = 100
KEPT_FIELDS = ("window_from_minute", "window_until_minute", "valid_hours", "cap_policy")


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
    window = (campaign.window_from_minute, campaign.window_until_minute)
    if window[0] >= window[1]:
        raise CampaignRefused(_("The window ends before it begins."))
    if hours_of(*window) != window:
        raise CampaignRefused(_("Marketing may be sent from 08:00 to 22:00 only."))
    if campaign.late_minutes < 1:
        raise CampaignRefused(_("A run is late after one minute at the soonest."))
    _check_repeat(campaign)
    _check_waves(campaign)


def check_size(campaign: Campaign, people: int) -> None:
    """
    Raises CampaignRefused when more people would be written to than those who approved it may let go.

    A segment grows between approval and start; a tenth more than the size for one approver passes.
    """
    if people > settings.SECOND_APPROVAL_PEOPLE * 11 // 10 and campaign.first_approved_by_id is None:
        sentence = _("It would go to %(people)s people by now, which takes two approvals. Have it approved again.")
        raise CampaignRefused(sentence % {"people": f"{people:,}"})


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
    kind, waves, minutes = campaign.wave_kind, campaign.wave_count, campaign.wave_minutes
    if not (1 <= waves <= MOST_WAVES and 0 <= minutes <= DAY_MINUTES):
        raise CampaignRefused(_("There are 1 to 100 waves, at most 1440 minutes apart."))
    if kind == WaveKind.NONE:
        return
    if minutes < 1:
        raise CampaignRefused(_("Say how many minutes lie between two waves."))
    if kind in SHARED and waves < 2:
        raise CampaignRefused(_("It takes two waves at least."))
    # Of stores and cities, the preflight sheet knows how many there are.
    if last_offset(kind, count=waves, minutes=minutes) >= timedelta(hours=campaign.valid_hours):
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
        "approved_by": None, "approved_at": None, "approved_sha256": "", "next_at": None, "first_approved_by": None,
        **options,
    }  # fmt: skip
    check(Campaign(**facts))
    if campaign_id is None:
        return Campaign.objects.create(**facts)
    open_states = [CampaignState.DRAFT, CampaignState.REJECTED, CampaignState.APPROVED]
    # The lock comes before the look at its runs: Beat may be firing one, and a freeze needs what was approved.
    locked(campaign_id)
    if open_runs(campaign_id=campaign_id).exists():
        raise HasMoved(_("A run of this campaign is under way; it can be changed when that has ended."))
    if not Campaign.objects.filter(pk=campaign_id, state__in=open_states).update(**facts):
        raise HasMoved(_("This campaign is being reviewed or has begun; it can't be changed now."))
    mirror(campaign_id=campaign_id)
    return Campaign.objects.get(pk=campaign_id)


def locked(campaign_id: int) -> Campaign:
    """The campaign with what it is made of, locked until the transaction ends."""
    return (
        Campaign.objects.select_for_update(of=("self",))
        .select_related("segment", "template_version", "coupon_terms__batch")
        .get(pk=campaign_id)
    )


@transaction.atomic
def clone(*, campaign_id: int, by: Operator, now: datetime) -> Campaign:
    """A draft with everything of another campaign but its time, which is the same hour of the next day to come."""
    old = Campaign.objects.select_related("segment", "template_version", "coupon_terms__batch").get(pk=campaign_id)
    days = max((now - old.scheduled_at).days + 1, 1)
    facts = {name: getattr(old, name) for name in (*LATER_FIELDS, *KEPT_FIELDS)} | {"repeat_until": None}
    return Campaign.objects.create(
        name=_free_name(old.name), segment=old.segment, template_version=old.template_version,
        coupon_terms=old.coupon_terms, scheduled_at=old.scheduled_at + timedelta(days=days), author=by,
        changed_at=now, **facts,
    )  # fmt: skip


def _free_name(name: str) -> str:
    """`国庆返场 (2)`, or the next number that nobody has taken."""
    stem = re.sub(r" \(\d+\)$", "", name)[:70]
    taken = set(Campaign.objects.filter(name__startswith=stem).values_list("name", flat=True))
    return next(found for number in count(2) if (found := f"{stem} ({number})") not in taken)
