"""Waiting for me: what somebody else has submitted and I may decide, and runs that ask because they are late."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.models import Campaign, CampaignState, Run, RunState
from console.permissions import role_name
from console.workplaces.base import page, workplace
from coupons.models import BatchState, BatchVoid, CouponBatch, VoidState
from coupons.services.batches import VOIDABLE
from foundation.models import Operator
from members.models import ImportUndo, RoleGrant, UndoState
from members.queries.grants import grants_to_decide
from templates_sms.models import Template, TemplateState


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for a decision."""

    kind: str
    name: str
    author: str
    since: datetime
    url: str
    run: Run | None = None


def waiting_for(operator: Any) -> list[Waiting]:
    """What `operator` may decide: submitted by others, or started late, in the order of coming."""
    found: list[Waiting] = []
    if operator.has_perm("templates_sms.approve_template"):
        rows = Template.objects.filter(state=TemplateState.SUBMITTED).exclude(author=operator).select_related("author")
        found += [_waiting(_("Template"), row, "text") for row in rows.order_by("changed_at")]
    if operator.has_perm("coupons.approve_couponbatch"):
        batches = CouponBatch.objects.filter(state=BatchState.SUBMITTED).exclude(author=operator)
        found += [
            _waiting(_("Coupon"), row, "batch") for row in batches.select_related("author").order_by("changed_at")
        ]
        wishes = BatchVoid.objects.filter(state=VoidState.ASKED, batch__state__in=VOIDABLE).exclude(asked_by=operator)
        found += [_void(wish) for wish in wishes.select_related("batch", "asked_by").order_by("asked_at")]
    if operator.has_perm("campaigns.approve_campaign"):
        campaigns = Campaign.objects.filter(state=CampaignState.SUBMITTED).exclude(author=operator)
        campaigns = campaigns.exclude(first_approved_by=operator)
        found += [
            _waiting(_("Campaign"), row, "campaign")
            for row in campaigns.select_related("author").order_by("changed_at")
        ]
    if operator.has_perm("members.confirm_importundo"):
        undos = ImportUndo.objects.filter(state=UndoState.ASKED).exclude(asked_by=operator)
        found += [_undo(undo) for undo in undos.select_related("import_file", "asked_by").order_by("asked_at")]
    if operator.has_perm("members.decide_rolegrant"):
        found += [_right(grant) for grant in grants_to_decide(by=operator)]
    if operator.has_perm("campaigns.stop_campaign"):
        asking = Run.objects.filter(state=RunState.ASKING).select_related("campaign__author").order_by("id")
        found += [_late(run) for run in asking]
    return sorted(found, key=lambda one: one.since)


def _waiting(kind: str, row: Any, url: str) -> Waiting:
    return Waiting(kind, row.name, str(row.author), row.changed_at, reverse(url, args=[row.pk]))


def _undo(undo: ImportUndo) -> Waiting:
    url = reverse("import", args=[undo.pk])
    return Waiting(_("Undo of an import"), undo.import_file.name, str(undo.asked_by), undo.asked_at, url)


def _void(wish: BatchVoid) -> Waiting:
    url = reverse("batch", args=[wish.pk])
    return Waiting(_("Voiding of coupons"), wish.batch.name, str(wish.asked_by), wish.asked_at, url)


def _right(grant: RoleGrant) -> Waiting:
    name, operator = role_name(grant.role.name), str(grant.operator)
    return Waiting(_("Right for a time"), name, operator, grant.asked_at, reverse("rights"))


def _late(run: Run) -> Waiting:
    url = f"{reverse('campaign', args=[run.campaign_id])}?run={run.pk}"
    return Waiting(_("Late run"), run.campaign.name, str(run.campaign.author), run.occurrence_at, url, run)


def returned_to(operator: Any) -> list[Waiting]:
    """What `operator` wrote and somebody sent back, in the order of coming."""
    found: list[Waiting] = []
    if operator.has_perm("templates_sms.add_template"):
        texts = Template.objects.filter(state=TemplateState.REJECTED, author=operator).select_related("author")
        found += [_waiting(_("Template"), row, "text") for row in texts]
    if operator.has_perm("coupons.add_couponbatch"):
        batches = CouponBatch.objects.filter(state=BatchState.REJECTED, author=operator).select_related("author")
        found += [_waiting(_("Coupon"), row, "batch") for row in batches]
    if operator.has_perm("campaigns.add_campaign"):
        rows = Campaign.objects.filter(state=CampaignState.REJECTED, author=operator).select_related("author")
        found += [_waiting(_("Campaign"), row, "campaign") for row in rows]
    return sorted(found, key=lambda one: one.since)


def badge(request: HttpRequest) -> str:
    """The number beside "Waiting for me". Not from a cache: without one the office would stand still with Valkey."""
    return str(len(waiting_for(request.user))) if isinstance(request.user, Operator) else "0"


@require_safe
@workplace(by_store=True)
def waiting(request: HttpRequest) -> HttpResponse:
    """The list."""
    return page(request, "waiting", _("Waiting for me"), waiting=waiting_for(request.user))
