"""How long sending takes when it rests outside the window."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from delivery.rules.window import SHANGHAI, day_of, hours_of, next_allowed


def sent_by(start: datetime, *, seconds: int, window: tuple[int, int], closed: Collection[date] = ()) -> datetime:
    """
    When `seconds` of sending that begin at `start` are over; nothing is sent outside the window and on closed days.

    `window` is in minutes of the day in Asia/Shanghai; a `start` outside it waits for the next opening.
    """
    cursor = next_allowed(start, *window, closed)
    while True:
        closes = _end_of_window(cursor, window)
        room = max(int((closes - cursor).total_seconds()), 1)
        if seconds <= room:
            return cursor + timedelta(seconds=seconds)
        seconds -= room
        cursor = next_allowed(closes, *window, closed)


def _end_of_window(instant: datetime, window: tuple[int, int]) -> datetime:
    hour, minute = divmod(hours_of(*window)[1], 60)
    return datetime.combine(day_of(instant), time(hour, minute), SHANGHAI)
