"""What imports still hold of who was erased: their rows in error files, their card in news to other systems."""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from foundation.db import execute
from foundation.phone import PhoneRefused, parse_mobile
from foundation.services.phones import hash_phone
from members.models import Erasure, ImportFile
from members.services.cards import card_hash
from members.services.erase import Erased

LETTERS = re.compile(rb"[^\r\n]")
# What a call said already can't be unsaid; the page that shows it must not say it again.
FORGET_CARDS = """
UPDATE foundation_webhookcall SET payload = jsonb_set(payload, '{card_nos}', '[]')
WHERE topic = 'member.consent_changed'
  AND row_id IN (SELECT id FROM members_consentevent WHERE phone_hash = %(phone)s)
"""


def erase(*, person: Erased, now: datetime) -> int:
    """
    Blank the person's rows in error files; nothing is on its way here.

    A row keeps its length: an import that goes on finds its place in the file. Uploaded files are not touched, they go
    by themselves (`clearing`). A repeat changes nothing.
    """
    if person.phone_hash is not None:
        execute(FORGET_CARDS, {"phone": person.phone_hash})
    cards = set(Erasure.objects.filter(pk__in=person.member_ids).values_list("card_hash", flat=True))
    for name in ImportFile.objects.exclude(error_path="").values_list("error_path", flat=True).distinct():
        path = Path(name)
        if path.is_file():
            _blank(path, person.phone_hash, cards)
    return 0


def _blank(path: Path, phone: UUID | None, cards: Collection[UUID]) -> None:
    with path.open("r+b") as file:
        spans = [(start, end) for start, end, cells in _rows(file) if _is_about(cells, phone, cards)]
        for start, end in spans:
            file.seek(start)
            raw = file.read(end - start)
            file.seek(start)
            file.write(LETTERS.sub(b" ", raw))


def _rows(file: BinaryIO) -> Iterator[tuple[int, int, Sequence[str]]]:
    """Rows with their place in bytes; a row may go over several lines."""
    at = start = 0

    def lines() -> Iterator[str]:
        nonlocal at
        while line := file.readline():
            at += len(line)
            yield line.decode("utf-8", "replace").lstrip("\ufeff")

    for cells in csv.reader(lines()):
        yield start, at, cells
        start = at


def _is_about(cells: Sequence[str], phone: UUID | None, cards: Collection[UUID]) -> bool:
    texts = [cell.strip().lstrip("'") for cell in cells]
    return any(card_hash(text) in cards for text in texts if text) or (
        phone is not None and any(_phone_hash(text) == phone for text in texts)
    )


def _phone_hash(text: str) -> UUID | None:
    try:
        return hash_phone(parse_mobile(text))
    except PhoneRefused:
        return None
