"""A file on disk as numbered rows of text."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.errors import DomainError
from members.models import HeaderChoice
from members.rules.import_file import FileRefused, sniff_delimiter, sniff_encoding
from members.rules.import_headers import FIELDS, HeaderRefused, Kind, check_columns, match_headers

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


def read_head(path: Path, encoding: str = "") -> Layout:
    """
    Encoding, delimiter and header of a file, no columns yet; a known `encoding` saves reading it all.

    Raises CannotImport with a sentence for its owner.
    """
    try:
        if not encoding:
            with path.open("rb") as file:
                encoding = sniff_encoding(iter(lambda: file.read(BLOCK), b""))
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline(LONGEST_HEADER)
            delimiter = sniff_delimiter(first)
            file.seek(0)
            header = next(csv.reader(file, delimiter=delimiter), [])
    except FileRefused as refused:
        raise CannotImport(_file_sentence(refused.code)) from refused
    except OSError as missing:
        raise CannotImport(_("The file is no longer there, or can't be opened.")) from missing
    except csv.Error as broken:
        raise CannotImport(_("The first line can't be read as the names of columns.")) from broken
    return Layout(encoding, delimiter, header, {})


def with_columns(layout: Layout, kind: Kind, columns: Mapping[str, int] | None) -> Layout:
    """
    The layout with the columns somebody chose, or with those that the header names.

    Raises CannotImport when a required one is missing or one stands over two columns.
    """
    try:
        if columns is None:
            columns = match_headers(kind, layout.header, remembered(kind))
        else:
            check_columns(kind, columns, len(layout.header))
    except HeaderRefused as refused:
        raise CannotImport(_header_sentence(kind, refused)) from refused
    except ValueError as wrong:
        raise CannotImport(_("Each column can fill one field only.")) from wrong
    return replace(layout, columns=dict(columns))


def remembered(kind: Kind) -> dict[str, str]:
    """Folded headers and the fields that somebody has chosen for them in an earlier file of that kind."""
    return dict(HeaderChoice.objects.filter(kind=kind).values_list("header", "field"))


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
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            lines += block.count(b"\n")
            last = block
    return max(lines - last.endswith(b"\n"), 0)


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
