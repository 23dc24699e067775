"""Rehearsals of an approved campaign: asked for on its page, told on its page."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.models import Campaign, CampaignState
from campaigns.queries import EXCLUSIONS
from campaigns.services import rehearsal
from console.workplaces.base import attempt, need, workplace
from delivery.models import MessageState
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.models import Job, JobState

STATES = dict(MessageState.choices)
PLANNERS = ("campaigns.add_campaign", "campaigns.approve_campaign")


def latest(campaign: Campaign) -> Job | None:
    """The newest rehearsal of a campaign."""
    return Job.objects.filter(kind=rehearsal.KIND, params__campaign_id=campaign.pk).order_by("-id").first()


def context_of(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """What the campaign's page shows of its newest rehearsal."""
    job = latest(campaign)
    may_ask = campaign.state == CampaignState.APPROVED and any(request.user.has_perm(name) for name in PLANNERS)
    return {"rehearsal": job, "can_rehearse": may_ask, **(_told(job) if job is not None else {})}


def _told(job: Job) -> dict[str, Any]:
    """A finished rehearsal's report in words; instants as instants."""
    report = job.report if job.state == JobState.DONE else {}
    return {
        "played": {
            **report,
            "first_at": _instant(report.get("first_at")),
            "last_at": _instant(report.get("last_at")),
            "states": [(STATES[state], count) for state, count in sorted(report.get("states", {}).items())],
            "left_out": [(EXCLUSIONS.get(code, code), n) for code, n in report.get("exclusions", {}).items()],
        }
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@require_POST
@workplace("campaigns.view_campaign")
def rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a rehearsal, unless one is on its way already."""
    need(request, *PLANNERS)
    campaign = get_object_or_404(Campaign, pk=pk)
    job = latest(campaign)
    if job is None or not job.is_open:
        attempt(
            request, _("The rehearsal has begun. Nothing of it leaves the house."), rehearsal.ask,
            campaign_id=campaign.pk, by=operator_of(request), now=clock.now(),
        )  # fmt: skip
    return redirect("campaign", pk=pk)


@require_safe
@workplace("campaigns.view_campaign")
def rehearsed(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the campaign's page about its rehearsal, asked for while it plays."""
    campaign = get_object_or_404(Campaign, pk=pk)
    if latest(campaign) is None:
        raise Http404
    return render(request, "console/_rehearsal.html", {"campaign": campaign, **context_of(request, campaign)})
