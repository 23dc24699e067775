"""Runs: fired once per occurrence, paused, resumed, stopped, finished."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignState, Run, RunState
from delivery.models import Dispatch, DispatchState
from delivery.services import dispatches
from foundation import queue
from foundation.errors import HasMoved
from foundation.models import Operator
from foundation.services import audit

log = logging.getLogger(__name__)


def fire_due(*, now: datetime) -> list[int]:
    """
    Make the runs of all approved campaigns whose time has come; returns their ids.

    Rows decide, not the bell: two Beats, a late Beat or a repeat make one run per occurrence. One that
    is later than its `valid_hours` is not sent; its run says so.
    """
    due = Campaign.objects.filter(state=CampaignState.APPROVED, scheduled_at__lte=now).order_by("scheduled_at", "id")
    return [run_id for campaign in due if (run_id := _fire(campaign, now=now)) is not None]


@transaction.atomic
def _fire(campaign: Campaign, *, now: datetime) -> int | None:
    approved = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.APPROVED)
    if not approved.update(state=CampaignState.RUNNING):
        return None
    run, is_new = Run.objects.get_or_create(
        campaign=campaign, occurrence_at=campaign.scheduled_at, defaults={"fired_at": now}
    )
    if not is_new:
        return None
    if now >= campaign.scheduled_at + timedelta(hours=campaign.valid_hours):
        fail(run_id=run.pk, reason=_("The machine was down at the time and the campaign is too old to send."), now=now)
    else:
        queue.ring("campaigns.freeze_open")
    log.info("run_fired", extra={"run_id": run.pk, "late_seconds": int((now - campaign.scheduled_at).total_seconds())})
    return run.pk


@transaction.atomic
def fail(*, run_id: int, reason: str, now: datetime) -> None:
    """End a run that can't be sent, with the reason that staff read. Nothing of it leaves. A repeat changes nothing."""
    unsent = [RunState.FIRED, RunState.FREEZING]
    if not Run.objects.filter(pk=run_id, state__in=unsent).update(
        state=RunState.FAILED, reason=reason[:200], finished_at=now
    ):
        return
    run = Run.objects.get(pk=run_id)
    if run.dispatch_id is not None:
        dispatches.stop(dispatch_id=run.dispatch_id)
    Campaign.objects.filter(pk=run.campaign_id, state=CampaignState.RUNNING).update(state=CampaignState.STOPPED)
    log.error("run_failed", extra={"run_id": run_id})


def _swap(run_id: int, old: Sequence[RunState], new: RunState, refusal: str) -> Run:
    if not Run.objects.filter(pk=run_id, state__in=old).update(state=new):
        raise HasMoved(refusal)
    return Run.objects.get(pk=run_id)


@transaction.atomic
def pause(*, run_id: int, by: Operator, now: datetime) -> None:
    """No further message of the run leaves. Raises HasMoved."""
    run = _swap(run_id, [RunState.SENDING], RunState.PAUSED, _("Only a run that is sending can be paused."))
    assert run.dispatch_id is not None
    dispatches.pause(dispatch_id=run.dispatch_id)
    audit.record(action="run.paused", subject=f"campaigns.run:{run_id}", by=by, now=now)


@transaction.atomic
def resume(*, run_id: int, by: Operator, now: datetime) -> None:
    """A paused run goes on with the exact next person. Raises HasMoved."""
    run = _swap(run_id, [RunState.PAUSED], RunState.SENDING, _("Only a paused run can go on."))
    assert run.dispatch_id is not None
    dispatches.resume(dispatch_id=run.dispatch_id)
    audit.record(action="run.resumed", subject=f"campaigns.run:{run_id}", by=by, now=now)


@transaction.atomic
def stop(*, run_id: int, by: Operator, now: datetime) -> None:
    """Give up what has not left: waiting messages are cancelled, their coupons released. Raises HasMoved."""
    open_states = [RunState.SENDING, RunState.PAUSED]
    run = _swap(run_id, open_states, RunState.STOPPED, _("This run has ended already."))
    assert run.dispatch_id is not None
    dispatches.stop(dispatch_id=run.dispatch_id)
    Campaign.objects.filter(pk=run.campaign_id, state=CampaignState.RUNNING).update(state=CampaignState.STOPPED)
    audit.record(action="run.stopped", subject=f"campaigns.run:{run_id}", by=by, now=now)


@transaction.atomic
def on_dispatch_paused(*, payload: dict[str, Any], now: datetime) -> None:
    """News from delivery: a provider refuses the text, so the run waits for a person. A repeat changes nothing."""
    paused = Dispatch.objects.filter(pk=payload["dispatch_id"], state=DispatchState.PAUSED)
    if paused.select_for_update().exists():
        reason = _("The provider refused the text (%(reason)s).") % {"reason": payload["reason"]}
        sending = Run.objects.filter(dispatch_id=payload["dispatch_id"], state=RunState.SENDING)
        sending.update(state=RunState.PAUSED, reason=reason[:200])


@transaction.atomic
def on_dispatch_closed(*, payload: dict[str, Any], now: datetime) -> None:
    """News from delivery: nothing of a dispatch waits any more, so its run is finished. A repeat changes nothing."""
    runs = Run.objects.filter(dispatch_id=payload["dispatch_id"])
    runs.filter(state__in=[RunState.SENDING, RunState.PAUSED]).update(state=RunState.FINISHED, finished_at=now)
    runs.filter(state=RunState.STOPPED, finished_at__isnull=True).update(finished_at=now)
    finished = runs.filter(state=RunState.FINISHED).values("campaign_id")
    Campaign.objects.filter(pk__in=finished, state=CampaignState.RUNNING).update(state=CampaignState.FINISHED)
