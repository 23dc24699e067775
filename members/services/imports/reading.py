"""A file on disk as numbered rows of text."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.errors import DomainError
from members.rules.import_file import FileRefused, sniff_delimiter, sniff_encoding
from members.rules.import_row import FIELDS, HeaderRefused, Kind, match_headers

BLOCK = 1 << 20
LONGEST_HEADER = 20_000
csv.field_size_limit(200_000)


class CannotImport(DomainError):
    """The file as a whole can't be read."""

    code = "CANNOT_IMPORT"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written: encoding, delimiter, header, and which column is which field."""

    encoding: str
    delimiter: str
    header: list[str]
    columns: dict[str, int]


def read_layout(path: Path, kind: Kind) -> Layout:
    """Encoding, delimiter and columns of a file. Raises CannotImport with a sentence for its owner."""
    try:
        with path.open("rb") as file:
            encoding = sniff_encoding(iter(lambda: file.read(BLOCK), b""))
    except FileRefused as refused:
        raise CannotImport(_file_sentence(refused.code)) from refused
    except OSError as missing:
        raise CannotImport(_("The file can't be opened: %(reason)s") % {"reason": missing.strerror}) from missing
    with path.open(encoding=encoding, newline="") as file:
        first = file.readline(LONGEST_HEADER)
        delimiter = sniff_delimiter(first)
        file.seek(0)
        header = next(csv.reader(file, delimiter=delimiter), [])
    try:
        columns = match_headers(kind, header)
    except HeaderRefused as refused:
        raise CannotImport(_header_sentence(kind, refused)) from refused
    return Layout(encoding, delimiter, header, columns)


def read_rows(path: Path, layout: Layout, *, skip: int = 0) -> Iterator[list[str]]:
    """The rows behind the header, without the first `skip`; blank lines are left out."""
    with path.open(encoding=layout.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=layout.delimiter)
        try:
            next(reader, None)
            yield from islice((row for row in reader if any(row)), skip, None)
        except csv.Error as broken:
            sentence = _("Line %(line)s can't be read; perhaps a quotation mark is not closed.")
            raise CannotImport(sentence % {"line": reader.line_num}) from broken


def count_lines(path: Path) -> int:
    """Lines behind the header: the length of the bar. Quoted line ends make it a little too long."""
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(BLOCK), b"")
        return max(sum(block.count(b"\n") for block in blocks) - 1, 0)


def in_chunks(rows: Iterator[list[str]], size: int, key: int) -> Iterator[list[list[str]]]:
    """
    Rows in lists of about `size`, never cutting a stretch of rows with the same `key` column.

    So an order's lines stay together; one stretch may grow a chunk to twice its size, not more.
    """
    chunk: list[list[str]] = []
    for row in rows:
        if len(chunk) >= size and (len(chunk) >= 2 * size or _cell(row, key) != _cell(chunk[-1], key)):
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


def _cell(row: Sequence[str], index: int) -> str:
    return row[index] if index < len(row) else ""


def _file_sentence(code: str) -> str:
    sentences = {
        "EMPTY": _("The file is empty."),
        "BINARY": _("This is not a text file. Save the table as CSV and try again."),
        "UNKNOWN_ENCODING": _("The encoding can't be read. Save the file as UTF-8 or GB18030 and try again."),
    }
    return sentences.get(code, code)


def _column_name(kind: Kind, field: str) -> str:
    """The Chinese name of a column, the one most files use."""
    return next((name for name in FIELDS[kind][field].synonyms if not name.isascii()), field)


def _header_sentence(kind: Kind, refused: HeaderRefused) -> str:
    chinese = (get_language() or "").startswith("zh")
    names = [_column_name(kind, field) if chinese else field for field in refused.missing]
    if names:
        return _("The first line must name the columns. Missing: %(columns)s") % {"columns": ", ".join(names)}
    return _("The first line names a column twice: %(reason)s") % {"reason": str(refused)}
