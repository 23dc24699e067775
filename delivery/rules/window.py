"""When marketing may be sent: windows of the day in Asia/Shanghai, half-open."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
HARD_STOP_MINUTE: Final = 22 * 60  # 通信短信息服务管理规定: nothing commercial at night
DAY_MINUTES: Final = 24 * 60


def minute_of_day(instant: datetime) -> int:
    """Whole minutes since midnight in Asia/Shanghai."""
    local = instant.astimezone(SHANGHAI)
    return local.hour * 60 + local.minute


def is_inside(instant: datetime, from_minute: int, until_minute: int) -> bool:
    """Whether a marketing message may leave at `instant`; `until_minute` itself is already too late."""
    return from_minute <= minute_of_day(instant) < min(until_minute, HARD_STOP_MINUTE)


def next_allowed(instant: datetime, from_minute: int, until_minute: int) -> datetime:
    """`instant` itself when it is inside the window, else the next opening of the window."""
    if is_inside(instant, from_minute, until_minute):
        return instant
    local = instant.astimezone(SHANGHAI)
    opens_today = minute_of_day(instant) < from_minute
    day = local.date() if opens_today else local.date() + timedelta(days=1)
    return datetime.combine(day, time(from_minute // 60, from_minute % 60), SHANGHAI)


def month_of(instant: datetime) -> date:
    """The first day of the month of `instant` in Asia/Shanghai: the partition of a dispatch made then."""
    return instant.astimezone(SHANGHAI).date().replace(day=1)


def month_after(month: date) -> date:
    """The first day of the following month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
