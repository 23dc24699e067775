"""Campaigns in review: submitted, withdrawn, approved by one or two colleagues, sent back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignReview, CampaignState
from campaigns.queries import approvals_needed, judged_at, judged_audience, sheet_of, verdict_of
from campaigns.services.drafts import CampaignRefused, check, content_sha256, locked
from campaigns.services.mirror import mirror
from campaigns.services.sheets import drop_unused, keep_sheet
from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import Operator
from foundation.services import audit


@transaction.atomic
def submit(*, campaign_id: int, by: Operator, now: datetime) -> None:
    """
    Hand a draft to review, with the preflight sheet as it stands; its size decides how many have to approve.

    Raises CampaignRefused when the sheet has a blocker, HasMoved.
    """
    campaign = locked(campaign_id)
    check(campaign)
    if campaign.scheduled_at <= now:
        raise CampaignRefused(_("The time to send has passed; choose a later one."))
    old = campaign.sheet
    with judged_audience(campaign=campaign, now=judged_at(campaign=campaign, now=now)):
        sheet = sheet_of(campaign=campaign, now=now)
        blockers = verdict_of(campaign=campaign, sheet=sheet).blockers
        if blockers:
            raise CampaignRefused(" ".join(str(one) for one in blockers))
        kept = keep_sheet(sheet=sheet, now=now)
    _move(
        campaign, [CampaignState.DRAFT, CampaignState.REJECTED], CampaignState.SUBMITTED, now=now, sheet=kept,
        approvals_needed=approvals_needed(sheet.will_receive), first_approved_by=None,
    )  # fmt: skip
    _note(campaign, "SUBMITTED", by=by, now=now)
    if old is not None:
        drop_unused(sheet_id=old.pk)


@transaction.atomic
def withdraw(*, campaign_id: int, by: Operator, now: datetime) -> None:
    """Take a submitted campaign back into drafts, so that it can be changed. Raises HasMoved."""
    campaign = locked(campaign_id)
    _move(campaign, [CampaignState.SUBMITTED], CampaignState.DRAFT, now=now, first_approved_by=None)
    _note(campaign, "WITHDRAWN", by=by, now=now)


@transaction.atomic
def approve(*, campaign_id: int, by: Operator, now: datetime, seen: int | None = None) -> bool:
    """
    Approve a submitted campaign; returns whether that was the last approval it needed.

    With the last one Beat fires it from its planned time on; when that has passed, its start is a late one.
    Raises NotAllowed for its author and for whoever approved it already, CampaignRefused, HasMoved; also when the
    sheet `seen` by the approver is no longer that of the campaign, because it was taken back and submitted anew.
    """
    campaign = locked(campaign_id)
    if seen is not None and campaign.sheet_id != seen:
        raise HasMoved(_("It was changed since you opened it. Look again."))
    if campaign.author_id == by.pk:
        raise NotAllowed(_("Nobody approves their own campaign. Ask a colleague."))
    check(campaign)
    if campaign.approvals_needed > 1 and campaign.first_approved_by_id is None:
        _move(campaign, [CampaignState.SUBMITTED], CampaignState.SUBMITTED, now=now, first_approved_by=by)
        _note(campaign, "AGREED", by=by, now=now)
        return False
    if campaign.first_approved_by_id == by.pk:
        raise NotAllowed(_("You have approved this campaign already. It needs a second colleague."))
    _move(
        campaign, [CampaignState.SUBMITTED], CampaignState.APPROVED, now=now, approved_by=by, approved_at=now,
        approved_sha256=content_sha256(campaign), next_at=campaign.scheduled_at,
    )  # fmt: skip
    _note(campaign, "APPROVED", by=by, now=now)
    mirror(campaign_id=campaign_id)
    return True


@transaction.atomic
def reject(*, campaign_id: int, reason: str, by: Operator, now: datetime) -> None:
    """Send a submitted campaign back. Raises NotAllowed for its author, DomainError without a reason, HasMoved."""
    campaign = locked(campaign_id)
    if campaign.author_id == by.pk:
        raise NotAllowed(_("Nobody reviews their own campaign. Ask a colleague."))
    if not reason.strip():
        raise DomainError(_("Say what has to change."))
    _move(campaign, [CampaignState.SUBMITTED], CampaignState.REJECTED, now=now, first_approved_by=None)
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
