"""Cells and lines for people who open them in a spreadsheet."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

BOM = "\ufeff"  # without it Excel takes Chinese for something else
SHANGHAI = ZoneInfo("Asia/Shanghai")
# What spreadsheets read as the beginning of a formula; wide characters are narrowed by some of them.
_FORMULA = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MOBILE = re.compile(r"(?<!\d)(?:\+?(?:00)?86[ -]?)?[1１][3-9３-９]\d[ -]?\d{4}[ -]?(\d{4})(?!\d)")

Plain = str | int | Decimal | datetime | date


def safe_text(text: str) -> str:
    """The text; with a quote in front when a spreadsheet would run it as a formula, blanks before it or not."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def csv_line(cells: Sequence[str]) -> str:
    """One CSV line; a cell that a spreadsheet would run as a formula gets a quote in front."""
    return _line([safe_text(cell) for cell in cells])


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def plain(value: Any) -> Plain:
    """
    A value as a file shows it: instants in Shanghai without their zone, yes or no as words, nothing as "".

    Whatever reads like a mobile number in a text loses all but its last four digits.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, int | Decimal | date):
        return value
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    return _MOBILE.sub(r"****\1", str(value))


def value_line(values: Sequence[Plain]) -> str:
    """One CSV line of plain values; only texts can be formulas, so numbers stay numbers."""
    return _line([_written(one) for one in values])


def _written(value: Plain) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return safe_text(value) if isinstance(value, str) else str(value)
