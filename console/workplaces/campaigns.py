"""The campaign work place: draft, preflight sheet, review, live run, report."""

from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import queries
from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.services import drafts, runs
from console.workplaces.base import attempt, need, page, workplace
from coupons.models import BatchState, CouponTerms
from delivery.models import CapPolicy, MessageState
from delivery.queries.reasons import reason_word
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from members.models import Segment
from templates_sms.models import TemplateVersion, Tier

EDITABLE = (CampaignState.DRAFT, CampaignState.REJECTED, CampaignState.APPROVED)
STATE_LABELS = dict(MessageState.choices)


class VersionField(forms.ModelChoiceField):
    """Approved versions by template name."""

    def label_from_instance(self, obj: Any) -> str:
        """`国庆生鲜 v3`."""
        return f"{obj.template.name} v{obj.number}"


class TermsField(forms.ModelChoiceField):
    """Coupons by batch name."""

    def label_from_instance(self, obj: Any) -> str:
        """`满50减10`."""
        return str(obj.batch.name)


class CampaignForm(forms.Form):
    """Whom, what, gift, when."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    segment = forms.ModelChoiceField(label=gettext_lazy("Segment"), queryset=Segment.objects.order_by("-changed_at"))
    version = VersionField(
        label=gettext_lazy("Text"),
        queryset=TemplateVersion.objects.filter(tier=Tier.MARKETING).select_related("template").order_by("-id"),
    )
    terms = TermsField(
        label=gettext_lazy("Coupon"), required=False, empty_label=gettext_lazy("no coupon"),
        queryset=CouponTerms.objects.filter(batch__state=BatchState.ACTIVE).select_related("batch").order_by("-id"),
    )  # fmt: skip
    scheduled_at = forms.DateTimeField(
        label=gettext_lazy("Send at"), widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1})
    )
    window_from = forms.TimeField(label=gettext_lazy("Window from"), initial="08:00")
    window_until = forms.TimeField(label=gettext_lazy("Window until"), initial="21:00")
    valid_hours = forms.IntegerField(label=gettext_lazy("Give up after hours"), min_value=1, max_value=720, initial=48)
    cap_policy = forms.ChoiceField(label=gettext_lazy("Over a cap"), choices=CapPolicy.choices, initial=CapPolicy.DEFER)

    def facts(self) -> dict[str, Any]:
        """The form as the service takes it."""
        data = dict(self.cleaned_data)
        for end in ("from", "until"):
            time = data.pop(f"window_{end}")
            data[f"window_{end}_minute"] = time.hour * 60 + time.minute
        return data


def _campaign(pk: int) -> Campaign:
    rows = Campaign.objects.select_related(
        "segment", "template_version__template", "coupon_terms__batch", "author", "approved_by"
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
@workplace("campaigns.view_campaign")
def campaigns(request: HttpRequest) -> HttpResponse:
    """All campaigns, newest first."""
    rows = Campaign.objects.select_related("author", "segment").order_by("-scheduled_at", "-id")[:200]
    return page(request, "campaigns", _("Campaigns"), campaigns=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("campaigns.view_campaign")
def edit_campaign(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make a campaign or change a draft."""
    need(request, "campaigns.add_campaign")
    row = _campaign(pk) if pk else None
    form = CampaignForm(request.POST or None, initial=_initial(row))
    if request.method == "POST" and form.is_valid() and (saved := _save(request, form, pk)) is not None:
        return redirect("campaign", pk=saved.pk)
    return page(request, "campaign_edit", row.name if row else _("New campaign"), form=form, campaign=row)


def _initial(row: Campaign | None) -> dict[str, Any]:
    if row is None:
        return {}
    ends = {"from": row.window_from_minute, "until": row.window_until_minute}
    return {
        "name": row.name, "segment": row.segment_id, "version": row.template_version_id,
        "terms": row.coupon_terms_id, "scheduled_at": row.scheduled_at, "valid_hours": row.valid_hours,
        "cap_policy": row.cap_policy,
        **{f"window_{name}": f"{minute // 60:02}:{minute % 60:02}" for name, minute in ends.items()},
    }  # fmt: skip


def _save(request: HttpRequest, form: CampaignForm, pk: int | None) -> Campaign | None:
    try:
        with transaction.atomic():
            return drafts.save_draft(campaign_id=pk, by=operator_of(request), now=clock.now(), **form.facts())
    except IntegrityError as broken:
        taken = "campaign_window" not in str(broken)
        sentence = _("There is a campaign with this name already.") if taken else _("The window must end by 22:00.")
        form.add_error("name" if taken else "window_until", sentence)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None


@require_safe
@workplace("campaigns.view_campaign")
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """One campaign: preflight sheet before, live figures while, report after."""
    row = _campaign(pk)
    run = queries.latest_run(campaign=row)
    user = request.user
    submitted = row.state == CampaignState.SUBMITTED
    context: dict[str, Any] = {
        "campaign": row, "run": run,
        "sheet": queries.preflight(campaign=row, now=clock.now()) if run is None else None,
        "sample": queries.sample_text(campaign=row, name="王女士"),
        "reviews": row.reviews.select_related("by").order_by("-id"),
        "can_edit": row.state in EDITABLE and user.has_perm("campaigns.add_campaign"),
        "can_submit": row.state in (CampaignState.DRAFT, CampaignState.REJECTED)
        and user.has_perm("campaigns.add_campaign"),
        "can_decide": submitted and row.author_id != user.pk and user.has_perm("campaigns.approve_campaign"),
    }  # fmt: skip
    if run is not None:
        context |= _run_context(request, run)
    return page(request, "campaign", row.name, **context)


def _run_context(request: HttpRequest, run: Run) -> dict[str, Any]:
    report = queries.report(run=run)
    return {
        "run": run,
        "report": report,
        "states": [(STATE_LABELS[state], count) for state, count in sorted(report.progress.states.items())],
        "reasons": [(STATE_LABELS[state], reason_word(reason), count) for state, reason, count in report.reasons],
        "is_live": run.state in (RunState.FIRED, RunState.FREEZING, RunState.SENDING, RunState.PAUSED),
        "can_steer": request.user.has_perm("campaigns.stop_campaign"),
    }


@require_safe
@workplace("campaigns.view_campaign")
def campaign_started(request: HttpRequest, pk: int) -> HttpResponse:
    """Asked for by the page of an approved campaign: tells it to load again once the run is there."""
    if queries.latest_run(campaign=_campaign(pk)) is None:
        return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_safe
@workplace("campaigns.view_campaign")
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part of a run, asked for every second while it runs."""
    run = get_object_or_404(Run.objects.select_related("campaign"), pk=pk)
    context = _run_context(request, run)
    # 286 tells htmx to stop asking; receipts still come in for a while after the last message left.
    status = 200 if context["is_live"] or context["report"].progress.states.get("ACCEPTED") else 286
    return render(request, "console/_run.html", context, status=status)


@require_POST
@workplace("campaigns.view_campaign")
def campaign_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Submit, approve, send back."""
    _campaign(pk)
    facts: dict[str, Any] = {"campaign_id": pk, "by": operator_of(request), "now": clock.now()}
    if action == "submit":
        need(request, "campaigns.add_campaign")
        attempt(request, _("Campaign submitted."), drafts.submit, **facts)
        return redirect("campaign", pk=pk)
    need(request, "campaigns.approve_campaign")
    if action == "approve":
        attempt(request, _("Campaign approved. It starts by itself."), drafts.approve, **facts)
    else:
        attempt(request, _("Campaign sent back."), drafts.reject, reason=request.POST.get("reason", ""), **facts)
    return redirect("campaign", pk=pk)


@require_POST
@workplace("campaigns.view_campaign")
def run_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Pause, resume, stop."""
    need(request, "campaigns.stop_campaign")
    run = get_object_or_404(Run, pk=pk)
    done = {"pause": _("Run paused."), "resume": _("Run goes on."), "stop": _("Run stopped.")}
    attempt(request, done[action], getattr(runs, action), run_id=pk, by=operator_of(request), now=clock.now())
    return redirect("campaign", pk=run.campaign_id)
