"""A run in sentences: how it stands, when it will be over, and what has happened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Run, RunState, WaveKind
from campaigns.queries import Report
from console.workplaces.schedule_words import delay_words
from delivery.queries.calendar import days_closed_to
from delivery.queries.channels import open_channels
from delivery.rules.window import next_allowed
from delivery.services.brakes import held_tiers
from foundation.models import AuditEntry
from foundation.money import format_cost
from templates_sms.models import Tier

# How an act of staff is called, and the colour of its dot.
ACTS: dict[str, tuple[Any, str]] = {
    "run.paused": (gettext_lazy("Paused"), "warn"), "run.resumed": (gettext_lazy("Goes on"), "ok"),
    "run.stopped": (gettext_lazy("Stopped"), "bad"), "run.sent_late": (gettext_lazy("Started late after all"), "ok"),
    "run.skipped": (gettext_lazy("Skipped"), "bad"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """How a run stands: tone of the headline, the headline, and what it rests on."""

    title: str
    detail: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One line of what happened to a run."""

    at: datetime
    title: str
    tone: str = ""
    lines: list[str] = field(default_factory=list)


def verdict_of(run: Run, told: Report, *, last_minute: int, in_hands: int, now: datetime) -> RunVerdict:
    """One sentence about a run, and the numbers behind it."""
    progress = told.progress
    facts: dict[str, Any] = {
        "done": f"{progress.done:,}", "planned": f"{progress.planned:,}", "percent": progress.percent,
        "waiting": f"{progress.states.get('PLANNED', 0):,}", "delivered": f"{progress.states.get('DELIVERED', 0):,}",
        "cost": format_cost(progress.cost), "in_hands": f"{in_hands:,}",
    }  # fmt: skip
    if run.state in (RunState.FIRED, RunState.FREEZING):
        return RunVerdict(_("Fixing the list of receivers"), _("%(planned)s written so far.") % facts)
    if run.state == RunState.SENDING:
        return _sending(run, told, facts, last_minute=last_minute, now=now)
    if run.state == RunState.PAUSED:
        title = _("Paused: %(waiting)s people wait") if not in_hands else _("Pausing: %(in_hands)s still leave")
        detail = run.reason or _("%(done)s of %(planned)s people done.") % facts
        return RunVerdict(title % facts, detail, "warn")
    if run.state == RunState.STOPPED:
        return RunVerdict(_("Stopped: %(delivered)s people have got it") % facts, run.reason, "bad")
    if run.state == RunState.FINISHED:
        title = _("Sent: %(delivered)s people have got it, for %(cost)s yuan") % facts
        open_ends = progress.states.get("ACCEPTED", 0) + progress.states.get("UNSURE", 0)
        coming = _("%(count)s still wait for their receipts; the numbers will change.") % {"count": f"{open_ends:,}"}
        return RunVerdict(title, coming if open_ends else _("Every receipt is in, or was waited for long enough."))
    return RunVerdict(run.get_state_display(), run.reason, "bad" if run.state == RunState.FAILED else "")


def _sending(run: Run, told: Report, facts: dict[str, Any], *, last_minute: int, now: datetime) -> RunVerdict:
    """When it will be over at the pace of the last minute, or why nothing leaves."""
    waiting = told.progress.states.get("PLANNED", 0)
    done = _("%(done)s of %(planned)s people done.") % facts
    if not waiting:
        return RunVerdict(_("All handed over; the last results are being written down"), done)
    why = _held(run, now=now) or ("" if last_minute else _nothing_left(run))
    if why:
        return RunVerdict(_("Sending, %(percent)s %%: %(why)s") % {**facts, "why": why}, done, "warn")
    left = timedelta(seconds=-(-waiting * 60 // last_minute))
    shown = date_format(timezone.localtime(now + left), "H:i:s" if left < timedelta(hours=12) else "m-d H:i")
    rest = _("%(time)s to go at the pace of the last minute.") % {"time": delay_words(int(left.total_seconds()))}
    return RunVerdict(_("Sending, %(percent)s %%, done at %(at)s") % {**facts, "at": shown}, f"{done} {rest}")


def _held(run: Run, *, now: datetime) -> str:
    """What keeps everything of a run from leaving now; empty for nothing."""
    if Tier.MARKETING in held_tiers():
        return _("all sending is stopped")
    if not any(not one.tiers or Tier.MARKETING in one.tiers for one in open_channels()):
        return _("no channel is open")
    campaign = run.campaign
    closed = days_closed_to(rule=campaign.day_rule, now=now)
    opens = next_allowed(now, campaign.window_from_minute, campaign.window_until_minute, closed)
    if opens > now:
        return _("goes on at %(at)s") % {"at": date_format(timezone.localtime(opens), "m-d H:i")}
    return ""


def _nothing_left(run: Run) -> str:
    is_in_waves = run.campaign.wave_kind != WaveKind.NONE
    return _("waits for its next wave") if is_in_waves else _("nothing left in the last minute")


def happenings_of(run: Run, entries: Sequence[AuditEntry]) -> list[RunEvent]:
    """What happened to a run, newest first: its own steps, and what staff did with it."""
    events = [
        RunEvent(one.at, ACTS[one.action][0], ACTS[one.action][1], [_who(one)]) for one in entries if one.action in ACTS
    ]
    if run.state not in (RunState.ASKING, RunState.SKIPPED):
        late = _("%(delay)s after the planned time") % {"delay": delay_words(run.delay_seconds)}
        events.append(RunEvent(run.fired_at, _("Started"), "ac", [late]))
    if run.released_at is not None:
        fixed = _("List fixed: %(people)s people of %(matched)s picked.") % {
            "people": f"{run.planned_count:,}", "matched": f"{run.matched_count:,}"
        }  # fmt: skip
        events.append(RunEvent(run.released_at, _("Sending begins"), "ok", [fixed]))
    if run.finished_at is not None:
        tone = "ok" if run.state == RunState.FINISHED else "bad"
        events.append(RunEvent(run.finished_at, str(run.get_state_display()), tone, [run.reason] if run.reason else []))
    return sorted(events, key=lambda event: event.at, reverse=True)


def _who(entry: AuditEntry) -> str:
    who, reason = str(entry.actor or _("the system")), entry.detail.get("reason", "")
    return f"{who}: {reason}" if reason else who
