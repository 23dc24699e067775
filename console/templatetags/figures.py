"""Money and shares as pages show them."""

from typing import Any

from django import template

from foundation.money import format_cost, format_fen, format_price

register = template.Library()


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as `1,234.50`."""
    return format_fen(fen or 0)


@register.filter
def cost(units: int | None) -> str:
    """1/10000 yuan as yuan with two digits."""
    return format_cost(units or 0)


@register.filter
def price(units: int | None) -> str:
    """1/10000 yuan as `0.0380`."""
    return format_price(units or 0)


@register.filter
def share(part: int | None, whole: int | None) -> str:
    """A percentage with two digits; a dash when there is nothing to share."""
    if not whole:
        return "—"
    hundredths = (part or 0) * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def cell(value: Any, kind: str) -> str:
    """
    What stands in a cell of a table: a count, yuan (of fen), cost (1/10000 yuan), a share (part and whole) or text.

    A dash for None.
    """
    if value is None:
        return "—"
    if kind == "share":
        return share(*value)
    shown = {"yuan": format_fen, "cost": format_cost, "count": "{:,}".format}.get(kind, str)
    return shown(value)


@register.filter
def clock_of(minute: int) -> str:
    """A minute of the day as `08:00`."""
    return f"{minute // 60:02}:{minute % 60:02}"
