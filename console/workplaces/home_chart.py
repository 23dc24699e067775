"""The columns of the last 24 hours as numbers for a drawing; its table shows the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from delivery.queries.today import SentHour

STEP = 10  # width of an hour in the drawing
HEIGHT = 1_000  # height of the whole scale
LABEL_EVERY = 3  # hours
LEAST = 10  # the lowest top of the scale, so that half of it is a whole number


@dataclass(frozen=True, slots=True)
class Column:
    """One hour: where its two boxes stand in the drawing, and its numbers. `at` is local time."""

    at: datetime
    is_today: bool
    x: int
    marketing: int
    other: int
    marketing_height: int
    other_height: int

    @property
    def total(self) -> int:
        """All messages of the hour."""
        return self.marketing + self.other

    @property
    def label(self) -> str:
        """The hour, where the axis names it."""
        return "" if self.at.hour % LABEL_EVERY else str(self.at.hour)

    @property
    def other_y(self) -> int:
        """The upper edge of the lower box."""
        return HEIGHT - self.other_height

    @property
    def marketing_y(self) -> int:
        """The upper edge of the upper box."""
        return self.other_y - self.marketing_height


@dataclass(frozen=True, slots=True)
class Chart:
    """All columns, oldest first, with the top of the scale and the place of midnight."""

    columns: list[Column]
    top: int
    highest: Column
    midnight_x: int | None

    @property
    def half(self) -> int:
        """The middle of the scale."""
        return self.top // 2


def chart_of(hours: Sequence[SentHour], *, now: datetime) -> Chart:
    """Lay out the hours, of which there is at least one."""
    top, today = scale_for(max(one.total for one in hours)), timezone.localtime(now).date()
    columns = [_column(number, one, top, today) for number, one in enumerate(hours)]
    midnight = next((one.x for one in columns[1:] if one.at.hour == 0), None)
    return Chart(columns, top, max(columns, key=lambda one: one.total), midnight)


def _column(number: int, one: SentHour, top: int, today: date) -> Column:
    at = timezone.localtime(one.hour)
    return Column(
        at, at.date() == today, number * STEP, one.marketing, one.other,
        one.marketing * HEIGHT // top, one.other * HEIGHT // top,
    )  # fmt: skip


def scale_for(highest: int) -> int:
    """The smallest of 10, 20, 50, 100, 200, … that is not below `highest`."""
    power = LEAST
    while True:
        for step in (1, 2, 5):
            if step * power >= highest:
                return step * power
        power *= 10
