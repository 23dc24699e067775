"""What is sent today, and what comes in the next seven days."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Q

from campaigns.models import CampaignState, Run, RunState
from campaigns.queries.calendar import Entry, entries
from campaigns.queries.results import OPEN_STATES, Progress, progress_of
from delivery.models import CalendarDay
from delivery.queries.tally import TallyRow, tally_of
from delivery.rules.window import SHANGHAI, day_of

DAYS = 7
NOT_COMING = (CampaignState.DRAFT, CampaignState.REJECTED, RunState.SKIPPED)


def runs_of_today(*, now: datetime, limit: int) -> list[tuple[Run, Progress]]:
    """Runs that were started today or have not ended, the newest first; two queries, however many they are."""
    # A machine that comes back writes a skipped run for each missed occurrence: they would fill the list.
    rows = Run.objects.exclude(state=RunState.SKIPPED).select_related("campaign", "campaign__author")
    rows = rows.filter(Q(state__in=OPEN_STATES) | Q(fired_at__gte=_midnight(day_of(now))))
    runs = list(rows.order_by("-id")[:limit])
    counts: dict[int, list[TallyRow]] = {run.dispatch_id: [] for run in runs if run.dispatch_id}
    for row in tally_of(dispatch_ids=list(counts)):
        counts[row.dispatch_id].append(row)
    return [(run, progress_of(counts.get(run.dispatch_id or 0, []))) for run in runs]


@dataclass(slots=True)
class WeekDay:
    """A day of Asia/Shanghai with what its calendar says and what is planned for it, in order of time."""

    day: date
    calendar: CalendarDay | None
    plans: list[Entry] = field(default_factory=list)


def next_week(*, now: datetime) -> list[WeekDay]:
    """Today and the six days after it, with what has begun, is approved or waits for approval; three queries."""
    first = day_of(now)
    days = [first + timedelta(days=ahead) for ahead in range(DAYS)]
    marked = CalendarDay.objects.in_bulk(days)
    week = {day: WeekDay(day, marked.get(day)) for day in days}
    for entry in entries(since=_midnight(first), until=_midnight(first + timedelta(days=DAYS))):
        if entry.state not in NOT_COMING:
            week[day_of(entry.at)].plans.append(entry)
    return list(week.values())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
