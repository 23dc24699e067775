"""Lines of CSV for people who open them in a spreadsheet."""

import csv
import io
from collections.abc import Sequence

BOM = "\ufeff"  # without it Excel takes Chinese for something else


def csv_line(cells: Sequence[str]) -> str:
    """One CSV line; a cell that a spreadsheet would run as a formula gets a quote in front."""
    buffer = io.StringIO()
    safe = [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells]
    csv.writer(buffer, lineterminator="\r\n").writerow(safe)
    return buffer.getvalue()
