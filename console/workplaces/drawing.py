"""Charts as numbers for boxes: what stands beside each of them in a table is drawn from the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.rules.comparison import Difference
from console.workplaces.home_chart import HEIGHT, STEP, scale_for

WIDTH = 1_000  # of a bar or an interval that takes the whole space


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: its place in the drawing, its value, and its name where the axis shows it."""

    name: str
    label: str
    value: int
    x: int
    height: int

    @property
    def y(self) -> int:
        """Its upper edge."""
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns beside each other under one scale."""

    bars: list[Bar]
    top: int

    @property
    def half(self) -> int:
        """The middle of the scale."""
        return self.top // 2

    @property
    def width(self) -> int:
        """Of the drawing."""
        return len(self.bars) * STEP

    @property
    def highest(self) -> Bar:
        """The first of the highest columns."""
        return max(self.bars, key=lambda bar: bar.value)


def bars_of(rows: Sequence[tuple[str, int]], *, fit: int, letters: int = 5) -> Bars | None:
    """Lay out named values; None when there are none. The axis has room for `fit` names of so many letters."""
    if not rows:
        return None
    top, every = scale_for(max(value for _name, value in rows)), -(-len(rows) // fit)
    return Bars(
        [
            Bar(name, "" if number % every else name[:letters], value, number * STEP, value * HEIGHT // top)
            for number, (name, value) in enumerate(rows)
        ],
        top,
    )


def share_of_width(value: int, whole: int) -> int:
    """How long a bar is beside the one that takes the whole width."""
    return value * WIDTH // whole if whole else 0


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval around an estimate on an axis with zero in its middle; `reach` is either end of the axis."""

    reach: int
    low: int
    point: int
    high: int

    @property
    def width(self) -> int:
        """Of the interval."""
        return self.high - self.low


def whisker_of(difference: Difference) -> Whisker:
    """Lay out an interval."""
    reach = max(abs(difference.low), abs(difference.high), 1) * 5 // 4

    def at(points: int) -> int:
        return (points + reach) * WIDTH // (2 * reach)

    return Whisker(reach, at(difference.low), at(difference.points), at(difference.high))
