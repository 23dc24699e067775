"""The simulator's client side: hands people over by HTTP, as to any provider."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from delivery.port import (
    Accepted,
    Ambiguous,
    Malformed,
    NotSubmitted,
    Person,
    ReceiptNote,
    Refused,
    ReplyNote,
    Result,
)
from delivery.rules.categories import Category

CONNECT_SECONDS = 2
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can carry halves of characters, UTF-8 can't


class SimulatorAdapter:
    """Speaks to `delivery.adapters.simulator.carrier` over HTTP."""

    def __init__(self, *, base_url: str, channel: str, callback: str, timeout_seconds: float) -> None:
        self._url = f"{base_url}/submit/{channel}"
        self._callback = callback
        timeout = httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS)
        self._client = httpx.Client(timeout=timeout, trust_env=False)

    def submit(self, people: Sequence[Person]) -> list[Result]:
        """One call for all; see `port.Adapter`."""
        body = {
            "callback": self._callback,
            "people": [{"reference": p.reference, "phone": p.phone, "text": p.text} for p in people],
        }
        try:
            answer = self._client.post(self._url, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as away:
            raise NotSubmitted("connection refused") from away
        except httpx.HTTPError as broken:
            return [Ambiguous(type(broken).__name__)] * len(people)
        return self._read(answer, people)

    def _read(self, answer: httpx.Response, people: Sequence[Person]) -> list[Result]:
        if answer.status_code == 429:
            return [Refused(Category.THROTTLE, "429")] * len(people)
        if answer.status_code in (401, 403):
            return [Refused(Category.CHANNEL, str(answer.status_code))] * len(people)
        try:
            rows = {row["reference"]: row for row in answer.json()["results"]} if answer.is_success else {}
        except (ValueError, KeyError, TypeError):
            rows = {}
        return [_result(rows.get(person.reference)) for person in people]

    def receipts(self, body: bytes) -> list[ReceiptNote]:
        """See `port.Adapter`."""
        return [_receipt(row) for row in _rows(body, "receipts")]

    def replies(self, body: bytes) -> list[ReplyNote]:
        """See `port.Adapter`."""
        return [_reply(row) for row in _rows(body, "replies")]


def _result(row: dict[str, Any] | None) -> Result:
    if row is None:
        return Ambiguous("no answer for this person")
    if row.get("status") == "accepted":
        return Accepted(str(row["vendor_id"]))
    try:
        return Refused(Category(row.get("category", "")), str(row.get("code", "")))
    except ValueError:
        return Ambiguous("answer not understood")


def _rows(body: bytes, name: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(body)[name]
    except (ValueError, KeyError, TypeError) as broken:
        raise Malformed(f"The body must be JSON with a list of {name}.") from broken
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Malformed(f"{name} must be a list of objects.")
    return rows


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 1000 or "\0" in value or _SURROGATE.search(value):
        raise Malformed(f"{key} must be a text of 1 to 1000 characters.")
    return value


def _receipt(row: dict[str, Any]) -> ReceiptNote:
    try:
        reported_at = datetime.fromisoformat(_text(row, "at"))
    except ValueError as broken:
        raise Malformed("at must be an ISO 8601 instant.") from broken
    if reported_at.tzinfo is None:
        raise Malformed("at must carry its offset.")
    code = _text(row, "code")
    return ReceiptNote(_text(row, "vendor_id"), code == "DELIVRD", code, reported_at)


def _reply(row: dict[str, Any]) -> ReplyNote:
    return ReplyNote(_text(row, "vendor_id"), _text(row, "phone"), _text(row, "text"))
