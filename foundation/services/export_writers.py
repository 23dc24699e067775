"""The two kinds of file: CSV line by line, XLSX row by row, neither kept in memory."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.conf import settings
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from foundation.models import FileEncoding, FileFormat
from foundation.spreadsheet import BOM, Plain, value_line

SHEET_ROWS = 1_048_576  # what a sheet holds; more goes on in another one
CELL_LENGTH = 32_767
FIRST_YEAR = 1900  # spreadsheets know no day before


class Writer(Protocol):
    """Takes rows of plain values; `close` ends the file."""

    def write(self, values: Sequence[Plain]) -> None:
        """One row."""

    def close(self) -> None:
        """The end."""


class CsvWriter:
    """CSV with CRLF, in UTF-8 behind a mark that Excel knows, or in GB18030."""

    def __init__(self, file: BinaryIO, heads: Sequence[str], encoding: str) -> None:
        self._file = file
        self._codec = "gb18030" if encoding == FileEncoding.GB18030 else "utf-8"
        if self._codec == "utf-8":
            file.write(BOM.encode())
        self.write(list(heads))

    def write(self, values: Sequence[Plain]) -> None:
        """One line; a text that was cut in half of a character elsewhere gets a question mark there."""
        self._file.write(value_line(values).encode(self._codec, errors="replace"))

    def close(self) -> None:
        """Nothing is left to write."""


class XlsxWriter:
    """XLSX: texts as texts, never formulas or links; numbers, days and instants as such."""

    def __init__(self, file: BinaryIO, heads: Sequence[str], tmp: Path) -> None:
        options: dict[str, Any] = {
            "constant_memory": True, "tmpdir": str(tmp), "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False, "nan_inf_to_errors": False,
        }  # fmt: skip
        self._book = Workbook(file, options)
        self._heads = list(heads)
        self._formats = {
            datetime: self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            date: self._book.add_format({"num_format": "yyyy-mm-dd"}),
            Decimal: self._book.add_format({"num_format": "0.00"}),
        }
        self._new_sheet()

    def _new_sheet(self) -> None:
        self._sheet: Worksheet = self._book.add_worksheet()
        self._sheet.set_column(0, max(len(self._heads) - 1, 0), 18)
        self._sheet.freeze_panes(1, 0)
        self._at = 0
        self._put(self._heads)

    def write(self, values: Sequence[Plain]) -> None:
        """One row, in a new sheet when this one is full."""
        if self._at >= SHEET_ROWS:
            self._new_sheet()
        self._put(values)

    def _put(self, values: Sequence[Plain]) -> None:
        for column, value in enumerate(values):
            self._cell(column, value)
        self._at += 1

    def _cell(self, column: int, value: Plain) -> None:
        if isinstance(value, date):  # an instant is a day, too
            if value.year >= FIRST_YEAR:
                self._sheet.write_datetime(self._at, column, value, self._formats[type(value)])
            else:
                self._sheet.write_string(self._at, column, value.isoformat())
        elif isinstance(value, str):
            self._sheet.write_string(self._at, column, value[:CELL_LENGTH])
        elif isinstance(value, int) and abs(value) >= 10**15:  # a spreadsheet would round it
            self._sheet.write_string(self._at, column, str(value))
        else:
            self._sheet.write_number(self._at, column, float(value), self._formats.get(type(value)))

    def close(self) -> None:
        """Put the sheets together."""
        self._book.close()


def writer_of(file: BinaryIO, heads: Sequence[str], *, file_format: str, encoding: str) -> Writer:
    """The writer of a format; it begins with the headings."""
    if file_format == FileFormat.XLSX:
        return XlsxWriter(file, heads, settings.EXPORT_DIR)
    return CsvWriter(file, heads, encoding)
