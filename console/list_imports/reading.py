"""A file of a short list, as rows under the list's own fields; judged by its content, never by its name."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from tablib import Dataset

from console.list_imports.base import Head
from foundation.services.uploads import path_of
from members.services.imports.reading import CannotImport, read_head
from members.services.imports.workbook import as_csv

MOST_ROWS = 5_000  # the rows are tried one by one while somebody waits
LARGEST_MB = 10
LARGEST_UNPACKED = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by field, their numbers in the file, and headings that belong to no field."""

    dataset: Dataset
    numbers: list[int]
    unknown: list[str]


def largest_mb() -> int:
    """How large a file may be."""
    return min(LARGEST_MB, settings.MAX_UPLOAD_MB)


def read(name: str, heads: Sequence[Head]) -> Table:
    """The rows of an upload. Raises CannotImport with a sentence for its owner."""
    path = path_of(name)
    text = as_csv(path, largest_unpacked=LARGEST_UNPACKED)
    try:
        return _table(text, heads)
    finally:
        if text != path:
            text.unlink(missing_ok=True)


def _table(path: Path, heads: Sequence[Head]) -> Table:
    layout = read_head(path)
    places, unknown = _places(layout.header, heads)
    dataset = Dataset(headers=list(places))
    numbers: list[int] = []
    with path.open(encoding=layout.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=layout.delimiter)
        try:
            for number, cells in enumerate(islice(reader, 1, None), start=2):
                if not any(cell.strip() for cell in cells):
                    continue
                if len(numbers) >= MOST_ROWS:
                    raise CannotImport(_("More than %(rows)s rows. Divide the file.") % {"rows": f"{MOST_ROWS:,}"})
                numbers.append(number)
                dataset.append([cells[place] if place < len(cells) else "" for place in places.values()])
        except csv.Error as broken:
            raise CannotImport(
                _("Line %(line)s can't be read; perhaps a quotation mark is not closed.") % {"line": reader.line_num}
            ) from broken
    if not numbers:
        raise CannotImport(_("There is no row below the headings."))
    return Table(dataset, numbers, unknown)


def _places(header: Sequence[str], heads: Sequence[Head]) -> tuple[dict[str, int], list[str]]:
    """Which column is which field. Raises CannotImport when one is missing or stands there twice."""
    places: dict[str, int] = {}
    unknown = []
    for place, title in enumerate(header):
        folded = title.strip().casefold()
        head = next((one for one in heads if folded in one.names()), None)
        if head is None:
            unknown += [title.strip()] if folded else []
        elif head.field in places:
            raise CannotImport(_("Two columns are called “%(title)s”.") % {"title": title.strip()})
        else:
            places[head.field] = place
    missing = [str(one.title) for one in heads if one.is_needed and one.field not in places]
    if missing:
        raise CannotImport(
            _("The first line must name the columns. Missing: %(columns)s") % {"columns": ", ".join(missing)}
        )
    return places, unknown
