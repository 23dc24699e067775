"""Moving a campaign that is not approved yet to another day."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignState
from campaigns.queries.calendar import MOVABLE
from campaigns.services.drafts import CampaignRefused, check, locked
from campaigns.services.review import withdraw
from delivery.models import CalendarDay, DayKind
from delivery.rules.window import SHANGHAI
from foundation.errors import HasMoved
from foundation.models import Operator
from foundation.services import audit


@transaction.atomic
def move_to(*, campaign_id: int, day: date, by: Operator, now: datetime) -> bool:
    """
    Move a campaign to another day of Asia/Shanghai, at the same hour; returns whether that took it out of review.

    What is reviewed must not change under the reviewer: a submitted one becomes a draft again. Raises CampaignRefused
    for a day that is past, a blackout day or one that its coupon does not reach, HasMoved once it is approved.
    """
    campaign = locked(campaign_id)
    if campaign.state not in MOVABLE:
        raise HasMoved(_("It is approved; change it on its own page, then it has to be approved again."))
    local = campaign.scheduled_at.astimezone(SHANGHAI)
    campaign.scheduled_at = datetime.combine(day, local.time(), SHANGHAI)
    if campaign.scheduled_at <= now:
        raise CampaignRefused(_("That time has passed."))
    blackout = CalendarDay.objects.filter(day=day, kind=DayKind.BLACKOUT).first()
    if blackout is not None:
        raise CampaignRefused(_("No marketing on that day: %(why)s.") % {"why": blackout.name})
    check(campaign)
    was_in_review = campaign.state == CampaignState.SUBMITTED
    if was_in_review:
        withdraw(campaign_id=campaign_id, by=by, now=now)
    Campaign.objects.filter(pk=campaign_id).update(scheduled_at=campaign.scheduled_at, changed_at=now)
    audit.record(
        action="campaign.moved", subject=f"campaigns.campaign:{campaign_id}", by=by, now=now, day=day.isoformat()
    )  # fmt: skip
    return was_in_review
