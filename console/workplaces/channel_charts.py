"""How the channels did minute by minute, as lines for drawings and rows for the tables behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from console.workplaces.channel_rows import tenths
from console.workplaces.drawing import WIDTH
from console.workplaces.home_chart import HEIGHT
from delivery.models import Channel
from delivery.queries.channel_use import Minute, last_minutes, receipts_by_minute
from delivery.rules.health import FEWEST, ROLLING_LIMITS, SUDDEN_LIMITS

LINES = 4  # more than that nobody tells apart
NAMES = 5  # of minutes under the axis
DECADES = 4  # the axis of delays: 1 second to 10,000
FOOT = 20  # percent: where the axis of shares begins unless a channel fell below


@dataclass(frozen=True, slots=True)
class Line:
    """A channel: its pieces between gaps as points for a drawing, and its numbers in words."""

    channel: Channel
    look: str
    pieces: list[str]
    words: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A line of the switch: over how many minutes, where it lies, its value in words."""

    minutes: int
    y: int
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The lines under one scale of four steps, top first; the table has a row for each minute, newest first."""

    lines: list[Line]
    limits: list[Limit]
    scale: list[str]
    names: list[str]
    heads: list[Channel]
    table: list[tuple[str, list[str]]]
    left_out: int

    @property
    def words(self) -> str:
        """All numbers in one sentence, for those who do not see the drawing."""
        return _("; ").join([*(one.words for one in self.lines), *(one.words for one in self.limits)])


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a minute becomes a value, a height and words."""

    value: Callable[[Minute], int]
    y: Callable[[int], int]
    words: Callable[[int], str]
    worst: Callable[[Sequence[int]], int]
    cell: Callable[[Minute], str]


Series = Mapping[int, Mapping[datetime, Minute]]


def charts_of(channels: Sequence[Channel], *, now: datetime) -> dict[str, Any]:
    """The charts of shares and of delays; None for both without a minute that says enough."""
    found, whole = receipts_by_minute(now=now), last_minutes(now=now)
    told = [one for one in channels if any(is_enough(minute) for minute in found.get(one.pk, {}).values())]
    if not told:
        return {"shares": None, "delays": None}
    busy = sorted(told, key=lambda one: -sum(minute.receipts for minute in found[one.pk].values()))[:LINES]
    told.sort(key=lambda one: one not in busy)  # else as in the page's table, so that no colour changes hands
    lowest = min(_percent(minute) for one in told[:LINES] for minute in found[one.pk].values() if is_enough(minute))
    foot = 0 if lowest < FOOT else FOOT
    limits = ((10, ROLLING_LIMITS), (1, SUDDEN_LIMITS))
    shares = _shares(foot)
    return {
        "shares": _chart(told, found, whole, shares, [f"{foot + (100 - foot) * step // 4}%" for step in (4, 3, 2, 1)],
                         [(minutes, one.delivered_percent) for minutes, one in limits]),
        "delays": _chart(told, found, whole, DELAYS, [f"{10**step:,}" for step in (4, 3, 2, 1)],
                         [(minutes, one.mean_delay) for minutes, one in limits]),
    }  # fmt: skip


def is_enough(minute: Minute) -> bool:
    """Whether a minute has receipts enough to be drawn: what fewer say is chance."""
    return minute.receipts >= FEWEST


def _percent(minute: Minute) -> int:
    return minute.delivered * 100 // minute.receipts


def _shares(foot: int) -> _Scale:
    return _Scale(
        _percent, lambda value: HEIGHT - (value - foot) * HEIGHT // (100 - foot), "{}%".format, min,
        lambda one: f"{tenths(one.delivered * 1000 // one.receipts)}% · {one.delivered:,} ÷ {one.receipts:,}",
    )  # fmt: skip


def _delay_y(seconds: int) -> int:
    """Each step of the scale is ten times the one below: a channel that does well and the switch are both seen."""
    return HEIGHT - int(min(log10(max(seconds, 1)), DECADES) * HEIGHT / DECADES)


def _seconds(value: int) -> str:
    return _("%(count)s s") % {"count": f"{value:,}"}


DELAYS = _Scale(
    lambda one: one.delay_seconds // one.receipts, _delay_y, _seconds, max,
    lambda one: _seconds(one.delay_seconds // one.receipts),
)  # fmt: skip


def _chart(
    told: Sequence[Channel], found: Series, whole: Sequence[datetime], scale: _Scale, marks: list[str],
    limits: Sequence[tuple[int, int]],
) -> Chart:  # fmt: skip
    every = -(-(len(whole) - 1) // (NAMES - 1))
    return Chart(
        lines=[
            _line(one, f"l{number}", found[one.pk], whole, scale) for number, one in enumerate(told[:LINES], start=1)
        ],
        limits=[Limit(minutes, scale.y(value), _limit_words(minutes, scale.words(value))) for minutes, value in limits],
        scale=marks, names=[_name(at) for at in whole[::every]] + [_name(whole[-1])] * bool((len(whole) - 1) % every),
        heads=list(told), left_out=max(len(told) - LINES, 0),
        table=[(_name(at), [_cell(found[one.pk].get(at), scale) for one in told]) for at in reversed(whole)],
    )  # fmt: skip


def _limit_words(minutes: int, value: str) -> str:
    if minutes == 1:
        return _("switch line of one minute: %(value)s") % {"value": value}
    return _("switch line of %(minutes)s minutes: %(value)s") % {"minutes": minutes, "value": value}


def _line(
    channel: Channel, look: str, minutes: Mapping[datetime, Minute], whole: Sequence[datetime], scale: _Scale
) -> Line:
    drawn = {at: scale.value(one) for at, one in minutes.items() if is_enough(one)}
    last, worst = max(drawn), scale.worst(list(drawn.values()))
    at = min(at for at, value in drawn.items() if value == worst)
    words = _("%(channel)s: %(last)s at last (%(last_at)s), at worst %(worst)s (%(at)s)") % {
        "channel": channel.name, "last": scale.words(drawn[last]), "last_at": _name(last),
        "worst": scale.words(worst), "at": _name(at),
    }  # fmt: skip
    points = [(number, drawn.get(minute)) for number, minute in enumerate(whole)]
    return Line(channel, look, _pieces(points, len(whole), scale), words)


def _pieces(points: Sequence[tuple[int, int | None]], count: int, scale: _Scale) -> list[str]:
    """Points between gaps; a minute alone is a line as long as a dot."""
    pieces: list[list[str]] = [[]]
    for number, value in points:
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{number * WIDTH // (count - 1)},{scale.y(value)}")
    return [" ".join(one if len(one) > 1 else one * 2) for one in pieces if one]


def _cell(minute: Minute | None, scale: _Scale) -> str:
    if minute is None:
        return "—"
    if not is_enough(minute):
        return _("only %(count)s receipts") % {"count": minute.receipts}
    return scale.cell(minute)


def _name(at: datetime) -> str:
    return date_format(timezone.localtime(at), "H:i")
