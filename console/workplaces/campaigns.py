"""The campaign work place: draft, preflight sheet, review, live run, report."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import queries
from campaigns.models import Campaign, CampaignState, Repeat, Run
from campaigns.services import drafts, review, runs, sheets, trial
from console.workplaces import rehearsals
from console.workplaces.base import attempt, need, page, workplace
from console.workplaces.campaign_form import CampaignForm, initial_of
from console.workplaces.run_page import minutes_context, page_context, phase_of, run_context
from console.workplaces.schedule_words import delay_words, schedule_words
from delivery.rules.window import SHANGHAI
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError

EDITABLE = (CampaignState.DRAFT, CampaignState.REJECTED, CampaignState.APPROVED)
BEFORE = (*EDITABLE, CampaignState.SUBMITTED)
OCCURRENCES = 50
PK_DIGITS = 18


def _campaign(pk: int) -> Campaign:
    rows = Campaign.objects.select_related(
        "segment",
        "template_version__template",
        "coupon_terms__batch",
        "look",
        "author",
        "approved_by",
        "first_approved_by",
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
@workplace("campaigns.view_campaign")
def campaigns(request: HttpRequest) -> HttpResponse:
    """All campaigns, by their next or only occurrence, latest first."""
    rows = Campaign.objects.select_related("author", "segment")
    rows = rows.order_by(Coalesce("next_at", "scheduled_at").desc(), "-id")[:200]
    return page(request, "campaigns", _("Campaigns"), campaigns=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("campaigns.view_campaign")
def edit_campaign(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make a campaign or change a draft."""
    need(request, "campaigns.add_campaign")
    row = _campaign(pk) if pk else None
    form = CampaignForm(request.POST or None, initial=initial_of(row) or _offered(request))
    if request.method == "POST" and form.is_valid() and (saved := _save(request, form, pk)) is not None:
        return redirect("campaign", pk=saved.pk)
    return page(request, "campaign_edit", row.name if row else _("New campaign"), form=form, campaign=row)


def _offered(request: HttpRequest) -> dict[str, Any]:
    """What the page that leads to a new campaign has chosen already: a segment, or a day of the calendar."""
    segment = request.GET.get("segment", "")
    chosen = {"segment": segment} if segment.isascii() and segment.isdecimal() and len(segment) <= PK_DIGITS else {}
    return chosen | _on_day(request.GET.get("on", ""))


def _on_day(text: str) -> dict[str, Any]:
    """A new campaign at ten in the morning of the day that the calendar offered."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return {}
    return {"scheduled_at": datetime.combine(day, time(10), SHANGHAI)}


def _save(request: HttpRequest, form: CampaignForm, pk: int | None) -> Campaign | None:
    try:
        with transaction.atomic():
            return drafts.save_draft(campaign_id=pk, by=operator_of(request), now=clock.now(), **form.facts())
    except IntegrityError:
        form.add_error("name", _("There is a campaign with this name already."))
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None


@require_safe
@workplace("campaigns.view_campaign")
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """One campaign: preflight sheet before and between its runs, live figures while, report after."""
    row = _campaign(pk)
    is_under_way = queries.open_runs(campaign_id=pk).exists()
    look = sheets.look_at(campaign=row, now=clock.now()) if row.state in BEFORE and not is_under_way else None
    found = queries.verdict_of(campaign=row, sheet=look.sheet) if look is not None else None
    run = _chosen_run(request, row, default=found is None)
    context: dict[str, Any] = {
        "campaign": row, "run": run, "found": found, "sheet": found.sheet if found else None,
        "look": look, "is_old": look is not None and look.is_old(now=clock.now()),
        "latest": queries.latest_run(campaign=row),
        "sample": queries.sample_text(campaign=row, name="王女士"),
        "schedule": schedule_words(row),
        "reviews": row.reviews.select_related("by").order_by("-id"),
        "occurrences": _occurrences(request, row), **_rights(request, row, is_under_way),
        "needed": row.approvals_needed if row.state == CampaignState.SUBMITTED or found is None
        else queries.approvals_needed(found.sheet.will_receive),
        "size": settings.SECOND_APPROVAL_PEOPLE, **rehearsals.context_of(request, row),
    }  # fmt: skip
    if run is not None:
        can_steer = request.user.has_perm("campaigns.stop_campaign")
        context |= {**page_context(run, now=clock.now()), "can_steer": can_steer}
    return page(request, "campaign", row.name, **context)


def _rights(request: HttpRequest, row: Campaign, is_under_way: bool) -> dict[str, bool]:
    """Which buttons the operator gets."""
    may_add, may_stop = (request.user.has_perm(f"campaigns.{name}_campaign") for name in ("add", "stop"))
    is_mine = request.user.pk in (row.author_id, row.first_approved_by_id)
    may_approve = not is_mine and request.user.has_perm("campaigns.approve_campaign")
    return {
        "can_edit": row.state in EDITABLE and may_add and not is_under_way,
        "can_submit": row.state in (CampaignState.DRAFT, CampaignState.REJECTED) and may_add,
        "can_withdraw": row.state == CampaignState.SUBMITTED and may_add,
        "can_clone": may_add,
        "can_decide": row.state == CampaignState.SUBMITTED and may_approve,
        "can_end": row.state == CampaignState.APPROVED and may_stop,
    }


def _chosen_run(request: HttpRequest, row: Campaign, *, default: bool) -> Run | None:
    """The run that was asked for; by `default` the newest that is under way, else the newest."""
    chosen = request.GET.get("run", "")
    if chosen.isascii() and chosen.isdecimal() and len(chosen) <= PK_DIGITS:
        return get_object_or_404(Run, pk=int(chosen), campaign=row)
    if not default:
        return None
    newest = queries.open_runs(campaign_id=row.pk).order_by("-occurrence_at").first()
    return newest or queries.latest_run(campaign=row)


def _occurrences(request: HttpRequest, row: Campaign) -> Page[Run] | None:
    """The runs of a series, newest first, a page at a time; None for a campaign with one run at most."""
    found = row.runs.order_by("-occurrence_at")
    if row.repeat == Repeat.ONCE and found.count() < 2:
        return None
    shown = Paginator(found, OCCURRENCES).get_page(request.GET.get("page"))
    for run in shown.object_list:
        run.delay = delay_words(run.delay_seconds)  # type: ignore[attr-defined]
    return shown


@require_safe
@workplace("campaigns.view_campaign")
def campaign_started(request: HttpRequest, pk: int) -> HttpResponse:
    """Asked for by the page of an approved campaign: tells it to load again once a run is there that it lacks."""
    latest = queries.latest_run(campaign=_campaign(pk))
    if latest is None or request.GET.get("seen") == str(latest.pk):
        return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_safe
@workplace("campaigns.view_campaign")
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """
    The live figures of a run. A page made for another phase of it (`phase`) is told to load anew: its buttons differ.
    """
    run = _run(pk)
    if request.GET.get("phase", "") != phase_of(run):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "console/_run_live.html", {**run_context(run, now=clock.now()), "oob": True})


@require_safe
@workplace("campaigns.view_campaign")
def run_minutes(request: HttpRequest, pk: int) -> HttpResponse:
    """The chart of how fast a run leaves, asked for every minute while it runs."""
    return render(request, "console/_run_minutes.html", minutes_context(_run(pk), now=clock.now()))


def _run(pk: int) -> Run:
    return get_object_or_404(Run.objects.select_related("campaign", "sheet"), pk=pk)


@require_POST
@workplace("campaigns.view_campaign")
def campaign_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Submit, take back, copy, try out; approve, send back; let no further occurrence begin."""
    _campaign(pk)
    facts: dict[str, Any] = {"campaign_id": pk, "by": operator_of(request), "now": clock.now()}
    if action == "end":
        need(request, "campaigns.stop_campaign")
        attempt(request, _("It will not start any more."), runs.end_series, **facts)
        return redirect("campaign", pk=pk)
    if action == "recount":
        need(request, "campaigns.add_campaign", "campaigns.approve_campaign")
        attempt(request, _("Counted again."), sheets.look_anew, campaign=_campaign(pk), now=clock.now())
        return redirect("campaign", pk=pk)
    if action in ("submit", "withdraw", "clone", "try"):
        need(request, "campaigns.add_campaign")
        return _author_action(request, action, facts)
    need(request, "campaigns.approve_campaign")
    if action == "approve":
        seen = request.POST.get("seen", "")
        facts["seen"] = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) <= PK_DIGITS else None
        attempt(request, _("Campaign approved. With the last approval it starts by itself."), review.approve, **facts)
    else:
        attempt(request, _("Campaign sent back."), review.reject, reason=request.POST.get("reason", ""), **facts)
    return redirect("campaign", pk=pk)


def _author_action(request: HttpRequest, action: str, facts: dict[str, Any]) -> HttpResponse:
    if action == "clone":
        copy = drafts.clone(**facts)
        messages.success(request, _("This is the copy: a draft. Look at its time."))
        return redirect("campaign", pk=copy.pk)
    if action == "submit" and not _is_fresh(facts["campaign_id"]):
        messages.error(
            request, _("Not submitted: the sheet is older than 30 minutes. Count it again and look at it first.")
        )
        return redirect("campaign", pk=facts["campaign_id"])
    done, call = {
        "submit": (_("Campaign submitted."), review.submit),
        "withdraw": (_("Taken back: it is a draft again."), review.withdraw),
        "try": (_("On its way to your phone. It burns no coupon and counts nowhere."), trial.send_trial),
    }[action]
    attempt(request, done, call, **facts)
    return redirect("campaign", pk=facts["campaign_id"])


def _is_fresh(pk: int) -> bool:
    """Whether the sheet that the page shows is one to decide by; one that nobody has seen is made at submission."""
    look = queries.kept_look(campaign=_campaign(pk))
    return look is None or not look.is_old(now=clock.now())


@require_POST
@workplace("campaigns.view_campaign")
def run_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Pause, resume, stop; decide about a late one."""
    need(request, "campaigns.stop_campaign")
    run = get_object_or_404(Run, pk=pk)
    calls: dict[str, tuple[str, Callable[..., None]]] = {
        "pause": (_("Run paused."), runs.pause), "resume": (_("Run goes on."), runs.resume),
        "stop": (_("Run stopped."), runs.stop), "send-late": (_("Run started."), runs.send_late),
        "skip-late": (_("Run skipped."), runs.skip_late),
    }  # fmt: skip
    done, call = calls[action]
    facts = {"reason": request.POST.get("reason", "")} if action == "stop" else {}
    attempt(request, done, call, run_id=pk, by=operator_of(request), now=clock.now(), **facts)
    if request.POST.get("back") == "waiting":
        return redirect("waiting")
    return redirect("campaign", pk=run.campaign_id)
