"""The carrier's words as the port's: rows of its answers, and the bodies it tells."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from delivery.port import (
    Absent,
    Accepted,
    Ambiguous,
    Answer,
    Malformed,
    ReceiptNote,
    Refused,
    ReplyNote,
    Result,
    Unread,
)
from delivery.rules.categories import Category

DELIVERED: Final = "DELIVRD"
LONGEST_ID: Final = 64
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # JSON can carry halves of characters, UTF-8 can't


def results(body: Any, references: Sequence[str]) -> list[Result]:
    """One result per reference, from the answer to a submit; Ambiguous for whoever it does not clearly speak of."""
    rows = _by_reference(body, "results")
    return [_result(rows.get(reference, [])) for reference in references]


def answers(body: Any, references: Sequence[str]) -> list[Answer]:
    """One answer per reference, from the answer to a query; Ambiguous for whoever it does not clearly speak of."""
    rows = _by_reference(body, "answers")
    return [_answer(rows.get(reference, [])) for reference in references]


def _by_reference(body: Any, name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    listed = body.get(name) if isinstance(body, dict) else None
    for row in listed if isinstance(listed, list) else []:
        if isinstance(row, dict) and isinstance(row.get("reference"), str):
            found.setdefault(row["reference"], []).append(row)
    return found


def _result(rows: Sequence[dict[str, Any]]) -> Result:
    if len(rows) != 1:
        return Ambiguous("two answers for this person" if rows else "no answer for this person")
    row = rows[0]
    vendor_id = row.get("vendor_id")
    if row.get("status") == "accepted" and isinstance(vendor_id, str) and 0 < len(vendor_id) <= LONGEST_ID:
        return Accepted(vendor_id)
    category = str(row.get("category"))
    if row.get("status") == "refused" and category in Category.__members__:
        return Refused(Category(category), str(row.get("code", ""))[:LONGEST_ID])
    return Ambiguous("answer not understood")


def _answer(rows: Sequence[dict[str, Any]]) -> Answer:
    if len(rows) == 1 and rows[0].get("status") == "absent":
        return Absent()
    return _result(rows)


def receipts(body: bytes) -> list[ReceiptNote | Unread]:
    """The receipts in a webhook's body. Raises Malformed."""
    return [_understood(row, receipt) for row in _rows(body, "receipts")]


def replies(body: bytes) -> list[ReplyNote | Unread]:
    """The replies in a webhook's body. Raises Malformed."""
    return [_understood(row, reply) for row in _rows(body, "replies")]


Note = TypeVar("Note", ReceiptNote, ReplyNote)


def _understood(row: Any, read: Callable[[dict[str, Any]], Note]) -> Note | Unread:
    """One row that can't be understood must not cost the others."""
    try:
        if not isinstance(row, dict):
            raise Malformed("A row must be an object.")
        return read(row)
    except Malformed as broken:
        return Unread(str(broken), json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace").decode())


def _rows(body: bytes, name: str) -> list[Any]:
    try:
        rows = json.loads(body)[name]
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise Malformed(f"The body must be JSON with a list of {name}.") from broken
    if not isinstance(rows, list):
        raise Malformed(f"{name} must be a list of objects.")
    return rows


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 1000 or "\0" in value or _SURROGATE.search(value):
        raise Malformed(f"{key} must be a text of 1 to 1000 characters.")
    return value


def receipt(row: dict[str, Any]) -> ReceiptNote:
    """One receipt. Raises Malformed."""
    try:
        reported_at = datetime.fromisoformat(_text(row, "at"))
    except ValueError as broken:
        raise Malformed("at must be an ISO 8601 instant.") from broken
    if reported_at.tzinfo is None:
        raise Malformed("at must carry its offset.")
    code = _text(row, "code")
    reference = _text(row, "reference") if "reference" in row else ""
    return ReceiptNote(_text(row, "vendor_id"), code == DELIVERED, code, reported_at, reference)


def reply(row: dict[str, Any]) -> ReplyNote:
    """One reply. Raises Malformed."""
    return ReplyNote(_text(row, "vendor_id"), _text(row, "phone"), _text(row, "text"))
