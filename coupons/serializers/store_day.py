"""The figures of a store's day in the manager's words, and the boxes of its chart."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coupons.queries.store_day import ClerkFigures, DayFigures
from coupons.rules.eligibility import Refusal
from coupons.rules.reason_texts import REASON_TEXTS
from foundation.money import format_fen

OPEN_HOURS = (7, 20)  # the first and the last hour that the chart always has
STEP, FLOOR, HIGHEST = 24, 96, 84  # of the chart, in its own units
MANY_TYPED_SHARE, MANY_TYPED_LEAST = 25, 8  # from here on the board says so: a list of codes may be going round
REASONS_NAMED = 2

Shown = dict[str, Any]
Hours = Mapping[tuple[date, int], int]
Refusals = Sequence[tuple[int, str, int]]


def percent(part: int, whole: int) -> str:
    """A share in whole percent, rounded half up; a dash of nothing."""
    return f"{(part * 200 + whole) // (2 * whole)}%" if whole else "—"


def tiles(*, today: DayFigures, before: DayFigures, day_before: date, refusals: Refusals) -> Shown:
    """The four figures on top, each with what it is to be read against."""
    weekday = date_format(day_before, "l")
    return {
        "count": today.count,
        "count_before": _("last %(weekday)s by now: %(count)s") % {"weekday": weekday, "count": before.count},
        "saving": format_fen(today.saving_fen),
        "paid": _("brought in ¥%(paid)s") % {"paid": format_fen(today.paid_fen)} if today.paid_fen else "",
        "undone": today.undone_count,
        "undone_share": _("%(share)s, last %(weekday)s %(before)s") % {
            "share": _undone_share(today), "weekday": weekday, "before": _undone_share(before),
        },
        "refused": sum(count for _clerk, _reason, count in refusals),
        "refused_why": " · ".join(f"{word} {count}" for word, count in _reasons(refusals)[:REASONS_NAMED]),
    }  # fmt: skip


def _undone_share(figures: DayFigures) -> str:
    return percent(figures.undone_count, figures.count + figures.undone_count)


def _reasons(refusals: Refusals) -> list[tuple[str, int]]:
    """Every reason in its word, the most frequent first."""
    counts: dict[str, int] = {}
    for _clerk, reason, count in refusals:
        counts[reason] = counts.get(reason, 0) + count
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [(pgettext("verdict", REASON_TEXTS[Refusal(reason)].word), count) for reason, count in ranked]


def chart(*, hours: Hours, day: date, day_before: date, now: datetime) -> Shown:
    """
    Boxes for each hour, today's filled over last week's outline, and the same as rows of a table.

    `now` is local to the till; hours that have not begun have no figure for today.
    """
    seen = [hour for _day, hour in hours]
    span = range(min([OPEN_HOURS[0], *seen]), max([OPEN_HOURS[1], *seen]) + 1)
    most = max([1, *hours.values()])
    columns = []
    for index, hour in enumerate(span):
        count, before = hours.get((day, hour), 0), hours.get((day_before, hour), 0)
        columns.append(
            {
                "hour": hour, "left": index * STEP + 6, "middle": index * STEP + 15, "is_named": index % 2 == 0,
                "today": _box(count, most), "before": _box(before, most), "count": count, "count_before": before,
                "has_begun": hour <= now.hour, "is_running": hour == now.hour,
            }
        )  # fmt: skip
    return {"columns": columns, "width": len(columns) * STEP + 8, "floor": FLOOR}


def _box(count: int, most: int) -> tuple[int, int]:
    """Top and height."""
    height = count * HIGHEST // most
    return FLOOR - height, height


def board(*, clerks: Sequence[ClerkFigures], refusals: Refusals) -> list[Shown]:
    """Work and oddities of everybody who redeemed; no ranks."""
    refused: dict[int, int] = {}
    for clerk_id, _reason, count in refusals:
        refused[clerk_id] = refused.get(clerk_id, 0) + count
    return [
        {
            "name": one.name, "count": one.count, "typed": percent(one.typed_count, one.count),
            "undone": percent(one.undone_count, one.count + one.undone_count), "refused": refused.get(one.clerk_id, 0),
            "types_much": one.count >= MANY_TYPED_LEAST and one.typed_count * 100 >= one.count * MANY_TYPED_SHARE,
        }
        for one in clerks
    ]  # fmt: skip
