"""
Runs: fired once per occurrence, paused, resumed, stopped, finished.

An approved campaign is one with an occurrence to come (`next_at`). With its last occurrence fired it is RUNNING,
until its last open run has ended; a campaign that is sent once is a series of one. Runs carry their own state.
"""

import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.queries import open_runs
from campaigns.rules.lateness import Verdict, expires_at, judge
from campaigns.rules.recurrence import next_occurrence, occurrences
from campaigns.services.mirror import mirror
from campaigns.services.sheets import note_changes
from delivery.models import Dispatch, DispatchState
from delivery.services import dispatches
from foundation import queue
from foundation.errors import DomainError, HasMoved
from foundation.models import Alert, Operator
from foundation.services import alerts, audit

log = logging.getLogger(__name__)

PREPARING = (RunState.FIRED, RunState.FREEZING)
UNDER_WAY = (*PREPARING, RunState.SENDING, RunState.PAUSED)
MISSED_RUNS = 400  # a series that slept for longer leaves no rows for what is older
LATE_SECONDS = 60  # Beat rings every 10 s: a minute is no jitter any more


class RunTooOld(DomainError):
    """The occurrence is past the hours after which its campaign is given up."""

    code = "RUN_TOO_OLD"


def fire_due(*, now: datetime) -> list[int]:
    """
    Make the runs of all approved campaigns whose time has come; returns the ids of each campaign's newest.

    Rows decide, not the bell: two Beats, a late Beat, a clock that jumps or a repeat make one run per occurrence.
    Of occurrences missed meanwhile the newest is judged by the campaign's `late_policy`; older ones are skipped,
    each with a run that says so. Also skips late runs that nobody decided on while they could be sent.
    """
    _skip_undecided(now=now)
    due = Campaign.objects.filter(state=CampaignState.APPROVED, next_at__lte=now).order_by("next_at", "id")
    fired: list[int] = []
    for campaign in due:
        try:
            run_id = _fire(campaign, now=now)
        except Exception:  # one campaign's fault must not keep the others from starting; it is tried again
            log.exception("fire_failed", extra={"campaign_id": campaign.pk})
            continue
        if run_id is not None:
            fired.append(run_id)
    _watch_starts(now=now)
    return fired


def _watch_starts(*, now: datetime) -> None:
    """
    Tell a person, once, of each run and campaign that should have begun a minute ago and has not, whatever the cause.

    The alert closes by itself when it begins, or will not any more.
    """
    limit = now - timedelta(seconds=LATE_SECONDS)
    known = set(Alert.objects.filter(code="START_STUCK", closed_at=None).values_list("subject", flat=True))
    preparing = Run.objects.filter(state__in=PREPARING, fired_at__lte=limit).select_related("campaign")
    unfired = Campaign.objects.filter(state=CampaignState.APPROVED, next_at__lte=limit)
    names = {run.subject: run.campaign.name for run in preparing}
    names |= {f"campaigns.campaign:{campaign.pk}": campaign.name for campaign in unfired}
    for subject in sorted(names.keys() - known):
        alerts.raise_alert(code="START_STUCK", subject=subject, now=now, campaign=names[subject])
    for subject in sorted(known - names.keys()):
        alerts.clear(code="START_STUCK", subject=subject, now=now)


@transaction.atomic
def _fire(campaign: Campaign, *, now: datetime) -> int | None:
    assert campaign.next_at is not None
    first, repeat, until = campaign.scheduled_at, campaign.repeat, campaign.repeat_until
    following = next_occurrence(first, repeat, max(now, campaign.next_at), until)
    state = CampaignState.APPROVED if following else CampaignState.RUNNING
    # approved_at tells a campaign that was changed and approved again meanwhile from the one that was read.
    seen = Campaign.objects.filter(
        pk=campaign.pk, state=CampaignState.APPROVED, next_at=campaign.next_at, approved_at=campaign.approved_at
    )
    if not seen.update(next_at=following, state=state):
        return None
    if following is None:
        mirror(campaign_id=campaign.pk)
    due = deque(occurrences(first, repeat, since=campaign.next_at, until_at=now, until=until), maxlen=MISSED_RUNS + 1)
    newest = due.pop()
    _note_missed(campaign, due, now=now)
    begun = {"fired_at": now, "sheet_id": campaign.sheet_id}
    run, is_new = Run.objects.get_or_create(campaign=campaign, occurrence_at=newest, defaults=begun)
    if is_new:
        _begin(campaign, run, now=now)
    else:
        settle(campaign_id=campaign.pk)
    return run.pk if is_new else None


def _note_missed(campaign: Campaign, missed: Sequence[datetime], *, now: datetime) -> None:
    reason = _("The machine was down at the time, and a later one has come since.")
    rows = [
        Run(
            campaign=campaign, occurrence_at=at, fired_at=now, state=RunState.SKIPPED, reason=reason, finished_at=now
        )
        for at in missed
    ]  # fmt: skip
    Run.objects.bulk_create(rows, ignore_conflicts=True)


def _begin(campaign: Campaign, run: Run, *, now: datetime) -> None:
    """Do with a new run what its lateness asks for, and say so when it is late."""
    verdict = judge(
        run.occurrence_at, now=now, policy=campaign.late_policy, late_minutes=campaign.late_minutes,
        valid_hours=campaign.valid_hours,
    )  # fmt: skip
    if verdict == Verdict.FIRE:
        queue.ring("campaigns.freeze_open")
    elif verdict == Verdict.ASK:
        Run.objects.filter(pk=run.pk, state=RunState.FIRED).update(state=RunState.ASKING)
    elif verdict == Verdict.SKIP:
        reason = _("Skipped: more than %(minutes)s minutes late.") % {"minutes": campaign.late_minutes}
        _skip(run.pk, RunState.FIRED, reason, now=now)
    else:
        fail(run_id=run.pk, reason=_("The machine was down at the time and the campaign is too old to send."), now=now)
    late_seconds = run.delay_seconds
    log.info("run_fired", extra={"run_id": run.pk, "late_seconds": late_seconds, "verdict": str(verdict)})
    if late_seconds > LATE_SECONDS:
        alerts.raise_alert(
            code="RUN_LATE", subject=run.subject, now=now, seconds=late_seconds, verdict=str(verdict),
            campaign_id=campaign.pk, campaign=campaign.name,
        )  # fmt: skip


def _skip_undecided(*, now: datetime) -> None:
    """Skip late runs that wait for a decision when they can't be sent any more."""
    for run in Run.objects.filter(state=RunState.ASKING).select_related("campaign").order_by("id"):
        if now >= expires_at(run.occurrence_at, run.campaign.valid_hours):
            with transaction.atomic():
                _skip(run.pk, RunState.ASKING, _("Nobody decided while it could still be sent."), now=now)


def _skip(run_id: int, old: RunState, reason: str, *, now: datetime) -> bool:
    skipped = Run.objects.filter(pk=run_id, state=old)
    if not skipped.update(state=RunState.SKIPPED, reason=reason[:200], finished_at=now):
        return False
    settle(campaign_id=Run.objects.get(pk=run_id).campaign_id)
    return True


def settle(*, campaign_id: int) -> None:
    """
    End a campaign without a further occurrence when its last open run has ended. A repeat changes nothing.

    One that brought a run to its end is FINISHED; one that never did, because all were stopped, skipped or
    failed, is STOPPED. Needs an open transaction.
    """
    # The lock makes runs that end at one moment, and the end of the series, see each other: who comes last settles.
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    if campaign.state != CampaignState.RUNNING or open_runs(campaign_id=campaign_id).exists():
        return
    is_finished = Run.objects.filter(campaign_id=campaign_id, state=RunState.FINISHED).exists()
    end = CampaignState.FINISHED if is_finished else CampaignState.STOPPED
    Campaign.objects.filter(pk=campaign_id, state=CampaignState.RUNNING).update(state=end)


@transaction.atomic
def fail(*, run_id: int, reason: str, now: datetime) -> None:
    """
    End a run that can't be sent, with the reason that staff read. Nothing of it leaves. A repeat changes nothing.

    Further occurrences of its campaign are not touched.
    """
    if not Run.objects.filter(pk=run_id, state__in=PREPARING).update(
        state=RunState.FAILED, reason=reason[:200], finished_at=now
    ):
        return
    run = Run.objects.get(pk=run_id)
    if run.dispatch_id is not None:
        dispatches.stop(dispatch_id=run.dispatch_id)
    settle(campaign_id=run.campaign_id)
    log.error("run_failed", extra={"run_id": run_id})


@transaction.atomic
def send_late(*, run_id: int, by: Operator, now: datetime) -> None:
    """Start a late run after all. Raises RunTooOld when it is given up by now, HasMoved when it waits no more."""
    run = Run.objects.select_related("campaign").get(pk=run_id)
    if now >= expires_at(run.occurrence_at, run.campaign.valid_hours):
        raise RunTooOld(_("It is too late to send this run; skip it."))
    if not Run.objects.filter(pk=run_id, state=RunState.ASKING).update(state=RunState.FIRED, fired_at=now):
        raise HasMoved(_("This run does not wait for a decision any more."))
    audit.record(action="run.sent_late", subject=f"campaigns.run:{run_id}", by=by, now=now)
    queue.ring("campaigns.freeze_open")


@transaction.atomic
def skip_late(*, run_id: int, by: Operator, now: datetime) -> None:
    """Leave a late run out. Raises HasMoved when it waits for no decision any more."""
    if not _skip(run_id, RunState.ASKING, _("Skipped by %(who)s.") % {"who": by}, now=now):
        raise HasMoved(_("This run does not wait for a decision any more."))
    audit.record(action="run.skipped", subject=f"campaigns.run:{run_id}", by=by, now=now)


@transaction.atomic
def end_series(*, campaign_id: int, by: Operator, now: datetime) -> None:
    """
    Let no further occurrence of an approved campaign begin; what has begun goes on. Raises HasMoved.

    Ends as if the last occurrence had been the last one planned, see `settle`.
    """
    approved = Campaign.objects.filter(pk=campaign_id, state=CampaignState.APPROVED)
    if not approved.update(state=CampaignState.RUNNING, next_at=None, changed_at=now):
        raise HasMoved(_("This campaign has no further occurrence."))
    mirror(campaign_id=campaign_id)
    settle(campaign_id=campaign_id)
    audit.record(action="campaign.ended", subject=f"campaigns.campaign:{campaign_id}", by=by, now=now)


def _locked(run_id: int, states: Sequence[RunState], refusal: str) -> Run:
    run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.state not in states:
        raise HasMoved(refusal)
    return run


def _put(
    run: Run, state: RunState, action: str, *, by: Operator, now: datetime, reason: str = "", **facts: Any
) -> None:  # fmt: skip
    Run.objects.filter(pk=run.pk).update(state=state, reason=reason, **facts)
    audit.record(action=action, subject=run.subject, by=by, now=now, **({"reason": reason} if reason else {}))


@transaction.atomic
def pause(*, run_id: int, by: Operator, now: datetime) -> None:
    """No further message of the run leaves; one that is being prepared rests where it is. Raises HasMoved."""
    run = _locked(run_id, [*PREPARING, RunState.SENDING], _("Only a run that is under way can be paused."))
    if run.state == RunState.SENDING:
        assert run.dispatch_id is not None
        dispatches.pause(dispatch_id=run.dispatch_id)
    _put(run, RunState.PAUSED, "run.paused", by=by, now=now)


@transaction.atomic
def resume(*, run_id: int, by: Operator, now: datetime) -> None:
    """A paused run goes on with the exact next person, to prepare or to send. Raises HasMoved."""
    run = _locked(run_id, [RunState.PAUSED], _("Only a paused run can go on."))
    if run.released_at is not None:
        assert run.dispatch_id is not None
        dispatches.resume(dispatch_id=run.dispatch_id)
        state = RunState.SENDING
    else:
        state = RunState.FIRED if run.dispatch_id is None else RunState.FREEZING
        queue.ring("campaigns.freeze_open")
    _put(run, state, "run.resumed", by=by, now=now)


@transaction.atomic
def stop(*, run_id: int, reason: str, by: Operator, now: datetime) -> None:
    """
    Give up what has not left: waiting messages are cancelled, their coupons released.

    Further occurrences of its campaign are not touched: `end_series` does that. Raises HasMoved, DomainError without
    a reason.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise DomainError(_("Say why it is stopped."))
    run = _locked(run_id, UNDER_WAY, _("This run has ended already."))
    if run.dispatch_id is not None:
        dispatches.stop(dispatch_id=run.dispatch_id)
    # With a dispatch the run has ended when nothing of it waits any more.
    finished_at = None if run.dispatch_id else now
    _put(run, RunState.STOPPED, "run.stopped", by=by, now=now, reason=reason, finished_at=finished_at)
    settle(campaign_id=run.campaign_id)


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
    for run_id, campaign_id in runs.values_list("pk", "campaign_id"):
        settle(campaign_id=campaign_id)
        note_changes(run_id=run_id)
