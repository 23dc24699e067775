"""A shift as its page and its slip show it."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from coupons.models import Shift
from coupons.serializers import words
from foundation.money import format_fen


def show_shift(shift: Shift, figures: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Who, from when to when, and the totals by coupon; money as yuan."""
    zone = ZoneInfo(shift.store.zone)
    start, end = shift.opened_at.astimezone(zone), (shift.closed_at or now).astimezone(zone)
    return {
        "id": shift.pk,
        "name": str(shift),
        "store": shift.store.name,
        "clerk": str(shift.clerk),
        "date": f"{start:%Y-%m-%d}",
        "start": f"{start:%H:%M}",
        "end": _end(end, start.date()),
        "lasted": words.span(int((end - start).total_seconds())),
        "is_open": shift.closed_at is None,
        "rows": [_row(row) for row in figures["rows"]],
        "count": figures["count"],
        "saving": format_fen(figures["saving_fen"]),
        "undone_count": figures["undone_count"],
        "undone": format_fen(figures["undone_fen"]),
        "refused_count": figures["refused_count"],
    }


def _end(end: datetime, began_on: date) -> str:
    return f"{end:%H:%M}" if end.date() == began_on else f"{words.day(end)} {end:%H:%M}"


def _row(row: dict[str, Any]) -> dict[str, Any]:
    gift = row["coupon__terms__gift_name"]
    title, count = row["coupon__terms__title"], row["count"]
    return {"title": title, "count": count, "gift": gift, "saving": format_fen(row["saving_fen"])}
