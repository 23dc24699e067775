"""Which days marketing stays at home: blackout days, and what a campaign asks of working days and holidays."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

HORIZON_DAYS: Final = 60  # further ahead nothing of a dispatch waits: validity ends at 30 days
SATURDAY: Final = 5


def is_rest_day(day: date, marked: Mapping[date, str]) -> bool:
    """Whether people are off on `day`: a weekend or holiday that is no adjusted working day (调休)."""
    kind = marked.get(day)
    if kind == "WORKDAY":
        return False
    return kind == "HOLIDAY" or day.weekday() >= SATURDAY


def closed_days(*, first: date, marked: Mapping[date, str], rule: str) -> frozenset[date]:
    """
    The days from `first` on, HORIZON_DAYS of them, on which nothing of a dispatch with `rule` may leave.

    `marked` holds HOLIDAY, WORKDAY and BLACKOUT by day; `rule` is ANY, WORKDAYS or RESTDAYS.
    """
    days = (first + timedelta(days=number) for number in range(HORIZON_DAYS))
    return frozenset(day for day in days if _is_closed(day, marked, rule))


def _is_closed(day: date, marked: Mapping[date, str], rule: str) -> bool:
    if marked.get(day) == "BLACKOUT":
        return True
    if rule == "ANY":
        return False
    return is_rest_day(day, marked) == (rule == "WORKDAYS")
