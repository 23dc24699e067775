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


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of sums day by day, the dashed line it is expected to take, and a level; as points for a drawing."""

    names: list[str]  # those under the axis
    top: int
    known: str
    area: str
    expected: str
    line_y: int | None  # None when the level lies above the drawing, or there is none

    @property
    def half(self) -> int:
        """The middle of the scale."""
        return self.top // 2


def curve_of(values: Sequence[int], *, names: Sequence[str], expected: int | None, line: int, fit: int = 6) -> Curve:
    """
    Lay out sums for the first days of `names`, then the way to what is `expected` on the last.

    A level too high for the scale is left out: the curve would lie flat beneath it.
    """
    highest = max(values[-1], expected or 0)
    top = scale_for(max(highest, line) if line <= highest * 3 else highest)
    steps, every = max(len(names) - 1, 1), -(-len(names) // fit)

    def at(number: int, value: int) -> str:
        return f"{number * WIDTH // steps},{HEIGHT - value * HEIGHT // top}"

    points = [at(number, value) for number, value in enumerate(values)]
    now = len(values) - 1
    return Curve(
        names=[name for number, name in enumerate(names) if number % every == 0], top=top, known=" ".join(points),
        area=" ".join([f"0,{HEIGHT}", *points, f"{now * WIDTH // steps},{HEIGHT}"]),
        expected="" if expected is None else f"{points[-1]} {at(steps, expected)}",
        line_y=HEIGHT - line * HEIGHT // top if 0 < line <= top else None,
    )  # fmt: skip
