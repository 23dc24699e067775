"""When a campaign comes again: wall time of Asia/Shanghai, always counted from the first occurrence."""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from delivery.rules.window import SHANGHAI, day_of


def next_occurrence(first: datetime, repeat: str, after: datetime, until: date | None) -> datetime | None:
    """
    The first occurrence later than `after`, in UTC; None when there is none up to the end of `until`.

    `repeat` is ONCE, DAILY, WEEKLY, MONTHLY or YEARLY. A day that a month does not have becomes its last day;
    as it is counted from `first`, 31 January is followed by 28 February and 31 March, and 29 February comes
    back in the next leap year. Days and `until` are of Asia/Shanghai.
    """
    if after < first:
        return _unless_after(first.astimezone(UTC), until)
    if repeat == "ONCE":
        return None
    number = _number_near(day_of(first), repeat, day_of(after))
    while (found := _nth(first, repeat, number)) <= after:
        number += 1
    return _unless_after(found, until)


def occurrences(
    first: datetime, repeat: str, *, since: datetime, until_at: datetime, until: date | None
) -> Iterator[datetime]:
    """The occurrences from the one at `since`, itself one of them, to `until_at` inclusive, in order."""
    found: datetime | None = since
    while found is not None and found <= until_at:
        yield found
        found = next_occurrence(first, repeat, found, until)


def _unless_after(found: datetime, until: date | None) -> datetime | None:
    return None if until is not None and day_of(found) > until else found


def _number_near(first: date, repeat: str, day: date) -> int:
    """The number of the occurrence on or just before `day`, or one less: never too high."""
    if repeat == "DAILY":
        return (day - first).days
    if repeat == "WEEKLY":
        return (day - first).days // 7
    years = day.year - first.year
    return years if repeat == "YEARLY" else years * 12 + day.month - first.month


def _nth(first: datetime, repeat: str, number: int) -> datetime:
    local = first.astimezone(SHANGHAI)
    if repeat in ("DAILY", "WEEKLY"):
        day = local.date() + timedelta(days=number * (7 if repeat == "WEEKLY" else 1))
    else:
        day = _months_later(local.date(), number * (12 if repeat == "YEARLY" else 1))
    return datetime.combine(day, local.timetz()).astimezone(UTC)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
