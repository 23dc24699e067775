"""What the page of a run shows: where everybody is, how fast it goes, what was planned and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries
from campaigns.models import Run, RunState
from campaigns.queries import Report
from campaigns.rules.lateness import expires_at
from campaigns.services import runs
from console.workplaces.drawing import bars_of
from console.workplaces.explained import explained
from console.workplaces.report_tables import TEXT, Column, Table
from console.workplaces.run_words import happenings_of, verdict_of
from console.workplaces.schedule_words import delay_words
from delivery.models import Channel
from delivery.queries import pace
from delivery.queries.channels import total_speed
from delivery.queries.reasons import advice_for, reason_word, receipt_codes
from delivery.queries.today import SUBMITTED, WITH_RESULT
from foundation.cache import kept
from foundation.money import format_cost
from foundation.queries import latest_entries

NOT_FIXED = (RunState.FIRED, RunState.FREEZING, RunState.ASKING, RunState.SKIPPED, RunState.FAILED)
EVENTS = 20
AFTERMATH_SECONDS = 10  # the page asks each second; a million coupons are not counted each time
REASONS_SHOWN = 4
# State, colour in the bar, name, and what it means where no reason says so. In this order they make up the frozen list.
PLACES: Sequence[tuple[str, str, Any, Any]] = (
    ("DELIVERED", "ok", gettext_lazy("Delivered"), gettext_lazy("the phone has it")),
    ("ACCEPTED", "mid", gettext_lazy("Waits for its receipt"), gettext_lazy("taken by the channel")),
    ("UNREPORTED", "mid", gettext_lazy("No receipt came"), gettext_lazy("waited for long enough")),
    ("UNDELIVERED", "bad", gettext_lazy("Not delivered"), ""),
    ("REFUSED", "bad", gettext_lazy("Refused by the channel"), gettext_lazy("costs nothing, is not sent again")),
    ("UNSURE", "warn", gettext_lazy("Unsure"), gettext_lazy("no clear answer; is not sent again")),
    ("EXCLUDED", "mute", gettext_lazy("Taken off just before sending"), ""),
    ("EXPIRED", "mute", gettext_lazy("Given up: too late"), ""),
    ("CANCELLED", "mute", gettext_lazy("Given up: stopped"), ""),
    ("PLANNED", "plot", gettext_lazy("Not sent yet"), ""),
)
KEYS = (
    ("ok", gettext_lazy("Delivered")), ("mid", gettext_lazy("Without a result")),
    ("bad", gettext_lazy("Not delivered or refused")), ("warn", gettext_lazy("Unsure")),
    ("mute", gettext_lazy("Taken off or given up")), ("plot", gettext_lazy("Not sent yet")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One line of where everybody is; all of them add up to the frozen list. `start` is where its bar begins."""

    state: str
    tone: str
    label: Any
    note: Any
    advice: str
    people: int
    start: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What one channel did of a run: people it took or may have taken, their results, and its last minute."""

    name: str
    submitted: int = 0
    delivered: int = 0
    with_result: int = 0
    last_minute: int = 0

    @property
    def per_second(self) -> str:
        """People a second, over the last minute."""
        return per_second(self.last_minute)

    def __add__(self, other: "Carried") -> "Carried":
        return Carried(
            self.name, self.submitted + other.submitted, self.delivered + other.delivered,
            self.with_result + other.with_result, self.last_minute + other.last_minute,
        )  # fmt: skip


def per_second(last_minute: int) -> str:
    """People a second with one digit, from those of a minute."""
    return f"{last_minute / 60:,.1f}"


def phase_of(run: Run) -> str:
    """What a page of a run has to be loaded anew for: the state, in which being prepared is one."""
    return "PREPARING" if run.state in runs.PREPARING else run.state


def run_context(run: Run, *, now: datetime) -> dict[str, Any]:
    """The figures of a run as of `now`."""
    is_open = run.state in queries.OPEN_STATES
    told = _told_live(run) if is_open else queries.report(run=run)
    leaving = run.dispatch_id if is_open else None
    lately = pace.handed_over_lately(dispatch_id=leaving, now=now) if leaving else {}
    in_hands = pace.in_hands(dispatch_id=leaving) if leaving else 0
    carried = _carried(told, lately)
    return {
        "run": run, "now": now, "report": told, "phase": phase_of(run), "is_live": is_open, "polls": _polls(run, told),
        "places": _places(told), "keys": KEYS, "carried": carried, "carried_total": sum(carried, Carried("")),
        "speed_limit": total_speed() if leaving else 0, "per_second": per_second(sum(lately.values())),
        "verdict": verdict_of(run, told, last_minute=sum(lately.values()), in_hands=in_hands, now=now),
        "left_out": sum(count for _code, _label, count in told.exclusions),
        "handed_over": sum(told.progress.states.get(state, 0) for state in SUBMITTED),
        "waiting": told.progress.states.get("PLANNED", 0),
        "missing": run.planned_count - told.progress.planned if run.released_at else 0,
        "delay": delay_words(run.delay_seconds), "under_way": runs.UNDER_WAY,
        "given_up_at": expires_at(run.occurrence_at, run.campaign.valid_hours),
        "happenings": happenings_of(run, latest_entries(subjects=[run.subject], limit=EVENTS)),
    }  # fmt: skip


def page_context(run: Run, *, now: datetime) -> dict[str, Any]:
    """The figures of a run with what is not asked for every second: its chart, and planned against real."""
    context = run_context(run, now=now) | minutes_context(run, now=now)
    has_sheet = run.sheet is not None and run.dispatch_id is not None and run.state not in NOT_FIXED
    return context | {
        "explained": explained(run) if has_sheet else [],
        "settled": _settled(run, context["report"]) if has_sheet and not context["is_live"] else None,
    }


def _told_live(run: Run) -> Report:
    """A report whose messages are of this second, while what takes longer to count is of the last ones."""
    counted = kept(f"aftermath:{run.pk}", lambda: queries.aftermath_of(run=run), seconds=AFTERMATH_SECONDS)
    return queries.report(run=run, aftermath=counted)


def _polls(run: Run, told: Report) -> str:
    """How often the page asks for news: receipts still come for a while after the last message left."""
    if run.state in queries.OPEN_STATES:
        return "1s"
    return "5s" if told.progress.states.get("ACCEPTED") or told.progress.states.get("PLANNED") else ""


def _places(told: Report) -> list[Place]:
    found, start, codes = [], 0, receipt_codes()
    for state, tone, label, meaning in PLACES:
        people = told.progress.states.get(state, 0)
        if people:
            note, advice = _reasons(told, state, codes)
            found.append(Place(state, tone, label, note or meaning, advice, people, start))
            start += people
    return found


def _reasons(told: Report, state: str, codes: dict[str, Any]) -> tuple[str, str]:
    """The commonest reasons of a state with how many each, how many had another, and what to do about them."""
    counted = sorted(((count, reason) for one, reason, count in told.reasons if one == state), reverse=True)
    shown, rest = counted[:REASONS_SHOWN], sum(count for count, _reason in counted[REASONS_SHOWN:])
    words = [f"{reason_word(reason, codes)} {count:,}" for count, reason in shown]
    others = [_("others %(count)s") % {"count": f"{rest:,}"}] if rest else []
    advice = dict.fromkeys(advice_for(reason, codes) for _count, reason in shown)
    return " · ".join([*words, *others]), " ".join(filter(None, advice))


def _carried(told: Report, lately: dict[int, int]) -> list[Carried]:
    """What each channel did, in the order of the channels."""
    ids = sorted({row.channel_id for row in told.rows if row.channel_id and row.state in SUBMITTED} | lately.keys())
    names = dict(Channel.objects.filter(pk__in=ids).values_list("pk", "name"))

    def count(channel_id: int, states: Sequence[str]) -> int:
        return sum(row.message_count for row in told.rows if row.channel_id == channel_id and row.state in states)

    return [
        Carried(
            names.get(one, f"#{one}"), count(one, SUBMITTED), count(one, ["DELIVERED"]), count(one, WITH_RESULT),
            lately.get(one, 0),
        )
        for one in ids
    ]  # fmt: skip


def minutes_context(run: Run, *, now: datetime) -> dict[str, Any]:
    """The chart of how fast a run left; empty before the first whole minute, and once hand-offs are dropped."""
    if run.dispatch_id is None:
        return {"run": run, "minute_bars": None}
    found = pace.pace_of(dispatch_id=run.dispatch_id, now=now)
    rows = [(date_format(timezone.localtime(at), "m-d H:i"), count) for at, count in found.points]
    every = _("Handed over every %(minutes)s minutes") % {"minutes": found.step_minutes}
    title = _("Handed over each minute") if found.step_minutes == 1 else every
    bars = bars_of([(name[-5:], count) for name, count in rows], fit=6)
    total = [_("Total"), sum(count for _name, count in rows)]
    table = Table(title, [Column(_("From"), TEXT), Column(_("Messages"))], [list(row) for row in rows], total)
    return {"run": run, "minute_table": table, "minute_bars": bars}


def _settled(run: Run, told: Report) -> dict[str, Any]:
    """Money and time: what the sheet said, what became of it, and which people make the difference."""
    assert run.sheet is not None and run.dispatch_id is not None
    facts = run.sheet.facts
    first, last = pace.span_of(dispatch_id=run.dispatch_id)
    parts, cost = told.progress.part_count, told.progress.cost
    more_parts, more_cost = parts - facts["part_count"], cost - facts["cost"]
    rows = [
        (_("Parts billed"), f"{facts['part_count']:,}", f"{parts:,}", _signed(more_parts)),
        (_("SMS cost (yuan)"), format_cost(facts["cost"]), format_cost(cost), _signed(more_cost, format_cost)),
        (_("First message"), *_times(facts["first_at"], first)), (_("Last message"), *_times(facts["last_at"], last)),
    ]  # fmt: skip
    return {"rows": rows, "why": _why(run, told)}


def _signed(difference: int, shown: Callable[[int], str] = "{:,}".format) -> str:
    return f"{'−' if difference < 0 else '+'}{shown(abs(difference))}" if difference else "0"


def _times(planned: str | None, real: datetime | None) -> tuple[str, str, str]:
    at = parse_datetime(planned) if planned else None
    shown = [date_format(timezone.localtime(one), "m-d H:i:s") if one else "—" for one in (at, real)]
    if at is None or real is None:
        return shown[0], shown[1], "—"
    seconds = int((real - at).total_seconds())
    if not seconds:
        return shown[0], shown[1], "0"
    return shown[0], shown[1], f"{'−' if seconds < 0 else '+'}{delay_words(abs(seconds))}"


def _why(run: Run, told: Report) -> str:
    """Who makes parts and cost differ from the sheet, in people."""
    assert run.sheet is not None
    states, more = told.progress.states, run.planned_count - run.sheet.facts["will_receive"]
    not_sent = states.get("EXCLUDED", 0) + states.get("EXPIRED", 0)
    words = (
        (_("%(count)s people on the list"), _signed(more), more),
        (_("%(count)s taken off or too late"), f"{not_sent:,}", not_sent),
        (_("%(count)s refused, which costs nothing"), f"{states.get('REFUSED', 0):,}", states.get("REFUSED", 0)),
        (_("%(count)s stopped before sending"), f"{states.get('CANCELLED', 0):,}", states.get("CANCELLED", 0)),
    )
    return " · ".join(text % {"count": shown} for text, shown, count in words if count)
