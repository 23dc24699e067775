"""A received file as its owner checks it before anything is read: columns, guesses, the first rows."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from members.models import ImportFile
from members.rules.import_headers import folded_header, guess_columns
from members.services.imports.kinds import kind_of
from members.services.imports.reading import Layout, read_head, read_rows, remembered
from members.services.imports.samples import mask_cell

ROWS = 3

How = Literal["KNOWN", "REMEMBERED", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, the field it seems to be ('' for none), how we know, and the first cells, masked."""

    index: int
    header: str
    field: str
    how: How
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """The layout of a file and its columns."""

    layout: Layout
    columns: list[Column]


def preview_of(imported: ImportFile) -> Preview:
    """Columns with their guesses. Raises CannotImport when the file can't be read any more."""
    path, kind = Path(imported.path), kind_of(imported.kind)
    layout = read_head(path, imported.encoding)
    chosen_before = remembered(kind)
    guess = guess_columns(kind, layout.header, chosen_before).columns
    fields = {column: field for field, column in guess.items()}
    rows = list(islice(read_rows(path, layout), ROWS))
    return Preview(
        layout,
        [
            Column(
                index=index, header=header, field=fields.get(index, ""),
                how=_how(folded_header(header) in chosen_before, index in fields),
                cells=[_cell(fields.get(index, ""), row[index] if index < len(row) else "") for row in rows],
            )
            for index, header in enumerate(layout.header)
        ],
    )  # fmt: skip


def _how(is_remembered: bool, is_known: bool) -> How:
    return "REMEMBERED" if is_remembered else "KNOWN" if is_known else "UNKNOWN"


def _cell(field: str, text: str) -> str:
    """A cell with what may be a phone masked, whatever its column is called."""
    digits = sum(character.isdigit() for character in text)
    return mask_cell("phone" if digits >= 11 and field in ("", "phone") else field, text)
