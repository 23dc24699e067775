"""The simulator's client side: hands people over by HTTP, as to any provider."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from delivery.adapters.simulator import wire
from delivery.port import (
    Ambiguous,
    Answer,
    NotSubmitted,
    Person,
    Question,
    ReceiptNote,
    Refused,
    ReplyNote,
    Result,
    Unread,
)
from delivery.rules.categories import Category

CONNECT_SECONDS: Final = 2
LARGEST_ANSWER: Final = 4 * 1024 * 1024
# Answers by which the carrier says that it took nobody.
TAKEN_BY_NOBODY: Final = {
    400: Category.REQUEST,
    401: Category.CHANNEL,
    403: Category.CHANNEL,
    413: Category.REQUEST,
    429: Category.THROTTLE,
}


class _Unclear(Exception):
    """Bytes were written, and no answer came that could be read."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: Any  # None unless it was a 200 with JSON


class SimulatorAdapter:
    """Speaks to `delivery.adapters.simulator.server` over HTTP."""

    def __init__(self, *, base_url: str, channel: str, callback: str, timeout_seconds: float) -> None:
        self._base_url = base_url
        self._channel = channel
        self._callback = callback
        self._timeout_seconds = timeout_seconds
        # A connection for each call: one that was kept and is closed by the other side just as a call begins would
        # make a whole chunk unsure for nothing.
        limits = httpx.Limits(max_keepalive_connections=0)
        timeout = httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS)
        self._client = httpx.Client(timeout=timeout, limits=limits, trust_env=False)

    def submit(self, people: Sequence[Person]) -> list[Result]:
        """One call for all; see `port.Adapter`."""
        body = {
            "callback": self._callback,
            "people": [{"reference": one.reference, "phone": one.phone, "text": one.text} for one in people],
        }
        try:
            reply = self._call("POST", "submit", body)
        except _Unclear as unclear:
            return [Ambiguous(str(unclear))] * len(people)
        if reply.status in TAKEN_BY_NOBODY:
            return [Refused(TAKEN_BY_NOBODY[reply.status], str(reply.status))] * len(people)
        if reply.body is None:
            return [Ambiguous(f"HTTP {reply.status}")] * len(people)
        return wire.results(reply.body, [one.reference for one in people])

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """One call for all; see `port.Adapter`."""
        body = {"questions": [{"reference": one.reference, "phone": one.phone} for one in questions]}
        try:
            reply = self._call("POST", "query", body)
        except (_Unclear, NotSubmitted) as unclear:
            return [Ambiguous(str(unclear))] * len(questions)
        if reply.body is None:
            return [Ambiguous(f"HTTP {reply.status}")] * len(questions)
        return wire.answers(reply.body, [one.reference for one in questions])

    def balance(self) -> int | None:
        """See `port.Adapter`."""
        try:
            reply = self._call("GET", "balance", None)
        except _Unclear as unclear:
            raise NotSubmitted(str(unclear)) from unclear
        if not isinstance(reply.body, dict) or "balance" not in reply.body:
            raise NotSubmitted(f"HTTP {reply.status} without a balance")
        left = reply.body["balance"]
        if left is not None and type(left) is not int:
            raise NotSubmitted("balance not understood")
        return left

    def receipts(self, body: bytes) -> list[ReceiptNote | Unread]:
        """See `port.Adapter`."""
        return wire.receipts(body)

    def replies(self, body: bytes) -> list[ReplyNote | Unread]:
        """See `port.Adapter`."""
        return wire.replies(body)

    def _call(self, method: str, path: str, body: Any) -> _Reply:
        """Ask the carrier. Raises NotSubmitted when not one byte was written, else _Unclear."""
        address = f"{self._base_url}/{path}/{self._channel}"
        until = time.monotonic() + self._timeout_seconds
        try:
            with self._client.stream(method, address, json=body) as answer:
                data = _read(answer, until)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as away:
            raise NotSubmitted(type(away).__name__) from away
        except httpx.HTTPError as broken:
            raise _Unclear(type(broken).__name__) from broken
        try:
            return _Reply(answer.status_code, json.loads(data) if answer.status_code == 200 else None)
        except (ValueError, RecursionError) as broken:
            raise _Unclear("answer is not JSON") from broken


def _read(answer: httpx.Response, until: float) -> bytes:
    """The body of an answer. Raises _Unclear when it is too large or drips past `until` (monotonic seconds)."""
    data, is_late = bytearray(), False
    for piece in answer.iter_bytes():
        if is_late:
            raise _Unclear("answer too slow")
        data += piece
        if len(data) > LARGEST_ANSWER:
            raise _Unclear("answer too large")
        is_late = time.monotonic() > until  # a last piece that is late is still an answer
    return bytes(data)
