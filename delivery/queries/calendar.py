"""The calendar as the window asks for it."""

from datetime import date, datetime, timedelta

from delivery.models import CalendarDay, DayKind, DayRule
from delivery.rules.calendar import HORIZON_DAYS, closed_days
from delivery.rules.window import day_of


def days_closed_to(*, rule: str, now: datetime) -> frozenset[date]:
    """The days from `now` on on which a marketing dispatch with this day rule stays at home."""
    return closed_to([rule], now=now)[rule]


def closed_to(rules: list[str], *, now: datetime) -> dict[str, frozenset[date]]:
    """The same for several day rules at once, with one query."""
    first = day_of(now)
    rows = CalendarDay.objects.filter(day__gte=first, day__lt=first + timedelta(days=HORIZON_DAYS))
    marked = dict(rows.values_list("day", "kind"))
    return {rule: closed_days(first=first, marked=marked, rule=rule) for rule in {*rules, DayRule.ANY}}


def is_year_confirmed(*, year: int) -> bool:
    """Whether the yearly notice of holidays has been entered for `year`."""
    holidays = CalendarDay.objects.filter(day__year=year, kind=DayKind.HOLIDAY)
    return holidays.exists() and not holidays.filter(is_confirmed=False).exists()
