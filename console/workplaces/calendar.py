"""The calendar: which day is free, what runs when, moving drafts."""

import calendar as months
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.models import Campaign, CampaignState
from campaigns.queries.calendar import Entry, Usable, entries, usable_coupons
from campaigns.services.moving import move_to
from console.lunar import words_of
from console.workplaces.base import attempt, need, page, workplace
from delivery.models import CalendarDay, DayKind
from delivery.queries.calendar import is_year_confirmed
from delivery.rules.window import SHANGHAI, day_of
from foundation import clock
from foundation.admin_mixins import operator_of
from members.models import Consent, PhoneGate

WEEK = timedelta(days=7)
YEARS = range(2020, 2100)
SHORTEST_GAP = 2  # days
HEAVY = 0.4  # messages a head and week at which the bar is full


@dataclass
class Day:
    """One day and what is on it: `entries` by time, `bands` the coupons usable on it, each with whether it begins."""

    day: date
    words: str
    is_named: bool
    marked: CalendarDay | None
    is_today: bool
    is_outside: bool
    entries: list[Entry] = field(default_factory=list)
    bands: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def is_blackout(self) -> bool:
        """Whether no marketing leaves on it."""
        return self.marked is not None and self.marked.kind == DayKind.BLACKOUT

    @property
    def is_off(self) -> bool:
        """Whether people are off work."""
        if self.marked is not None and self.marked.kind != DayKind.BLACKOUT:
            return bool(self.marked.kind == DayKind.HOLIDAY)
        return self.day.weekday() >= 5


@dataclass
class Week:
    """Seven days and their load: planned messages, and how many that is for each member who can be written to."""

    days: list[Day]
    people: int
    per_head: float
    percent: int

    @property
    def is_busy(self) -> bool:
        """Whether anything is on its days."""
        return any(day.entries for day in self.days)


@require_safe
@workplace("campaigns.view_campaign")
def calendar(request: HttpRequest) -> HttpResponse:
    """A month, or a week, as days with what is planned and what has run."""
    now = clock.now()
    today = day_of(now)
    chosen = _chosen(request.GET.get("on", ""), today)
    is_week = request.GET.get("view") == "week"
    first, last = _bounds(chosen, is_week=is_week)
    days = _days(first, last, month=None if is_week else chosen.month, today=today)
    reachable = _reachable()
    weeks = [_week(list(days[n : n + 7]), reachable) for n in range(0, len(days), 7)]
    step = (first - WEEK, first + WEEK) if is_week else (chosen.replace(day=1) - timedelta(days=1), _month_end(chosen))
    return page(
        request, "calendar", _("Campaign calendar"), weeks=weeks, chosen=chosen, is_week=is_week, before=step[0],
        after=step[1] if is_week else step[1] + timedelta(days=1), first=first, last=last, gap=_gap(days, today),
        unconfirmed=[year for year in sorted({first.year, last.year}) if not is_year_confirmed(year=year)],
        can_move=request.user.has_perm("campaigns.add_campaign"), reachable=reachable,
    )  # fmt: skip


def _chosen(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today
    return found if found.year in YEARS else today


def _month_end(day: date) -> date:
    return day.replace(day=months.monthrange(day.year, day.month)[1])


def _bounds(chosen: date, *, is_week: bool) -> tuple[date, date]:
    """The Monday and the Sunday between which everything shown lies."""
    first, last = (chosen, chosen) if is_week else (chosen.replace(day=1), _month_end(chosen))
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def _days(first: date, last: date, *, month: int | None, today: date) -> Sequence[Day]:
    since, until = (datetime.combine(day, time(), SHANGHAI) for day in (first, last + timedelta(days=1)))
    found = entries(since=since, until=until)
    by_day = {day: list(some) for day, some in groupby(found, key=lambda one: day_of(one.at))}
    marked = CalendarDay.objects.in_bulk([first + timedelta(days=n) for n in range((last - first).days + 1)])
    coupons = usable_coupons(since=since, until=until, campaign_ids={one.campaign_id for one in found})
    days = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        words, is_named = words_of(day)
        days.append(
            Day(day, words, is_named, marked.get(day), day == today, month is not None and day.month != month,
                by_day.get(day, []), _bands(day, coupons))
        )  # fmt: skip
    return days


def _bands(day: date, coupons: Iterable[Usable]) -> list[tuple[str, bool]]:
    return [(one.name, day == one.first or day.weekday() == 0) for one in coupons if one.first <= day <= one.last]


def _week(days: list[Day], reachable: int) -> Week:
    people = sum(entry.people or 0 for day in days for entry in day.entries)
    per_head = people / (reachable or 1)
    return Week(days, people, per_head, min(round(per_head / HEAVY * 100), 100))


def _reachable() -> int:
    """How many phones marketing may be sent to."""
    return PhoneGate.objects.filter(consent=Consent.GRANTED).count()


def _gap(days: Sequence[Day], today: date) -> tuple[date, date] | None:
    """The first days to come, SHORTEST_GAP or more in a row, on which nothing is planned and marketing may leave."""
    gap: list[date] = []
    for day in days:
        is_free = day.day > today and not day.is_blackout and not _is_taken(day)
        if is_free:
            gap.append(day.day)
        elif len(gap) >= SHORTEST_GAP:
            break
        else:
            gap = []
    return (gap[0], gap[-1]) if len(gap) >= SHORTEST_GAP else None


def _is_taken(day: Day) -> bool:
    return any(entry.state != CampaignState.REJECTED for entry in day.entries)


@require_POST
@workplace("campaigns.view_campaign")
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a draft to another day, then show that day's month again."""
    need(request, "campaigns.add_campaign")
    get_object_or_404(Campaign, pk=pk)
    day = _chosen(request.POST.get("day", ""), date.min)
    shown = _chosen(request.POST.get("on", ""), day_of(clock.now()))
    attempt(
        request, _("Moved. A campaign that was in review has to be submitted again."), move_to, campaign_id=pk, day=day,
        by=operator_of(request), now=clock.now(),
    )  # fmt: skip
    view = "&view=week" if request.POST.get("view") == "week" else ""
    return redirect(f"{reverse('calendar')}?on={shown.isoformat()}{view}")
