"""The error file: the refused rows as they came, and why."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.spreadsheet import csv_line
from members.rules.import_reasons import REASONS

DUPLICATE = "DUPLICATE_IN_FILE"
ERASED = "ERASED"  # of upsert_members.sql


def reopen(path: Path, header: Sequence[str], known: int) -> int:
    """
    Cut the file back to the `known` bytes of the last committed chunk, or begin it with its header.

    Returns its length.
    """
    if not known:
        path.write_text(csv_line([*header, _("reason")]), encoding="utf-8-sig", newline="")
        return path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(known)
    return known


def lines_of(chunk: Sequence[Sequence[str]], refused: Mapping[int, str], key: int) -> bytes:
    """The refused rows of a chunk as they stand in the file; `key` is the column that keeps rows together."""
    lines = (
        csv_line([*shown(chunk[line], code, key), reason_sentence(code)]) for line, code in sorted(refused.items())
    )
    return "".join(lines).encode()


def shown(cells: Sequence[str], code: str, key: int) -> list[str]:
    """A refused row as it may be kept: of who was erased the card number alone, for whoever sends it to us."""
    return [cell if code != ERASED or column == key else "" for column, cell in enumerate(cells)]


def write_at(path: Path, lines: bytes, at: int) -> None:
    """Write at `at`, over whatever a chunk that was rolled back has left there."""
    if not lines:
        return
    with path.open("r+b") as file:
        file.truncate(at)
        file.seek(at)
        file.write(lines)


def reason_sentence(code: str) -> str:
    """Why a row was refused, in the reader's language."""
    own = {
        DUPLICATE: _("named again further down; the last row counts"),
        ERASED: _("this person asked to be erased; only they themselves can come back"),
        "STORE_UNKNOWN": _("this store is not in the list of stores"),
        "CARD_UNKNOWN": _("this card is not in the list of members"),
        "FOREIGN_STORE": _("this belongs to a store that the key does not reach"),
        "ORDER_UNKNOWN": _("this order was not imported yet"),
    }
    if code in own:
        return own[code]
    chinese, english = REASONS[code]
    return chinese if (get_language() or "zh").startswith("zh") else english
