"""XLSX workbooks: turned into CSV when they come in, so that everything behind reads one kind of file."""

import csv
import uuid
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from members.services.imports.reading import CannotImport

_ZIP_MARK = b"PK\x03\x04"
_OLE_MARK = b"\xd0\xcf\x11\xe0"
# A workbook is read in whole. Unpacked, this is about a million rows of ten columns; more goes as CSV.
LARGEST_UNPACKED = 512 * 1024 * 1024


def as_csv(path: Path, *, largest_unpacked: int | None = None) -> Path:
    """
    The file itself, or for a workbook the path of a CSV file in the import folder with its first sheet.

    Raises CannotImport for workbooks that are locked, damaged, too large or of Excel 97.
    """
    try:
        with path.open("rb") as file:
            mark = file.read(4)
    except OSError as missing:
        raise CannotImport(_("The file is no longer there, or can't be opened.")) from missing
    if mark == _OLE_MARK:
        raise CannotImport(_("This workbook is locked with a password, or of Excel 97. Unlock it, or save it as CSV."))
    if mark != _ZIP_MARK:
        return path
    rows = _first_sheet(path, largest_unpacked or LARGEST_UNPACKED)
    settings.IMPORT_DIR.mkdir(parents=True, exist_ok=True)
    written = Path(settings.IMPORT_DIR) / f"{uuid.uuid4().hex}.csv"
    with written.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([_cell(value) for value in row] for row in rows)
    return written


def _first_sheet(path: Path, largest_unpacked: int) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if "xl/workbook.xml" not in names:
            raise CannotImport(_("This is not a text file. Save the table as CSV and try again."))
        if unpacked > largest_unpacked:
            raise CannotImport(_("This workbook is too large. Save the table as CSV and try again."))
        with CalamineWorkbook.from_path(path) as book:
            return book.get_sheet_by_index(0).iter_rows()
    except (zipfile.BadZipFile, CalamineError, IndexError) as broken:
        raise CannotImport(_("This workbook is damaged. Save the table as CSV and try again.")) from broken


def _cell(value: Any) -> str:
    """A cell as CSV has it: whole numbers without a point, days and instants as ISO writes them."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
