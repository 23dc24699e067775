"""When marketing may be sent: windows of the day in Asia/Shanghai, half-open."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
# Nothing commercial at night, whatever a campaign's window says: the carriers take it from 08:00 to 22:00 only.
HARD_START_MINUTE: Final = 8 * 60
HARD_STOP_MINUTE: Final = 22 * 60
DAY_MINUTES: Final = 24 * 60


def minute_of_day(instant: datetime) -> int:
    """Whole minutes since midnight in Asia/Shanghai."""
    local = instant.astimezone(SHANGHAI)
    return local.hour * 60 + local.minute


def day_of(instant: datetime) -> date:
    """The day of `instant` in Asia/Shanghai."""
    return instant.astimezone(SHANGHAI).date()


def hours_of(from_minute: int, until_minute: int) -> tuple[int, int]:
    """The part of a window that the night leaves of it; empty (start not before end) when it lies in the night."""
    return max(from_minute, HARD_START_MINUTE), min(until_minute, HARD_STOP_MINUTE)


def is_inside(instant: datetime, from_minute: int, until_minute: int, closed: Collection[date] = ()) -> bool:
    """
    Whether a marketing message may leave at `instant`; `until_minute` itself is already too late.

    `closed` are the days (Asia/Shanghai) on which nothing leaves at all.
    """
    opens, closes = hours_of(from_minute, until_minute)
    return opens <= minute_of_day(instant) < closes and day_of(instant) not in closed


def next_allowed(instant: datetime, from_minute: int, until_minute: int, closed: Collection[date] = ()) -> datetime:
    """`instant` itself when it is inside the window, else its next opening on an open day."""
    if is_inside(instant, from_minute, until_minute, closed):
        return instant
    opens, _closes = hours_of(from_minute, until_minute)
    day = day_of(instant)
    if minute_of_day(instant) >= opens:
        day += timedelta(days=1)
    while day in closed:
        day += timedelta(days=1)
    return datetime.combine(day, time(opens // 60, opens % 60), SHANGHAI)


def month_of(instant: datetime) -> date:
    """The first day of the month of `instant` in Asia/Shanghai: the partition of a dispatch made then."""
    return instant.astimezone(SHANGHAI).date().replace(day=1)


def month_after(month: date) -> date:
    """The first day of the following month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def months_before(month: date, count: int) -> date:
    """The first day of the month `count` months before `month`."""
    number = month.year * 12 + month.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)
