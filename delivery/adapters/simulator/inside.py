"""The simulator without HTTP: an adapter that calls its carrier in the same process, and sleeps nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from delivery.adapters.simulator import wire
from delivery.adapters.simulator.carrier import Carrier
from delivery.adapters.simulator.fate import Fault
from delivery.adapters.simulator.memory import Due
from delivery.port import (
    Ambiguous,
    Answer,
    Person,
    Question,
    ReceiptNote,
    Refused,
    ReplyNote,
    Result,
    Unread,
)
from delivery.rules.categories import Category

# What the HTTP client would make of the same faults.
SEEN_AS: Final = {
    Fault.TIMEOUT: "ReadTimeout",
    Fault.RESET: "ReadError",
    Fault.HALF_ANSWER: "RemoteProtocolError",
    Fault.ERROR: "HTTP 500",
    Fault.ERROR_AFTER_ACCEPT: "HTTP 500",
}
AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a carrier has told by an instant, in the order of its telling."""

    receipts: list[ReceiptNote]
    replies: list[ReplyNote]

    def __bool__(self) -> bool:
        """Whether it told anything."""
        return bool(self.receipts or self.replies)


class InsideSimulator:
    """
    One channel of a carrier in this process: for rehearsals with a virtual clock, benches and tests.

    Time passes as the carrier's clock says. Nothing is pushed: ask `due`.
    """

    def __init__(self, carrier: Carrier, *, channel: str) -> None:
        self._carrier = carrier
        self._channel = channel

    def submit(self, people: Sequence[Person]) -> list[Result]:
        """See `port.Adapter`."""
        rows = [{"reference": one.reference, "phone": one.phone, "text": one.text} for one in people]
        call = self._carrier.submit(self._channel, rows)
        if call.fault == Fault.THROTTLE:
            return [Refused(Category.THROTTLE, "429")] * len(people)
        if call.fault in SEEN_AS:
            return [Ambiguous(SEEN_AS[call.fault])] * len(people)
        return wire.results({"results": call.results}, [one.reference for one in people])

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """See `port.Adapter`."""
        references = [one.reference for one in questions]
        return wire.answers({"answers": self._carrier.query(self._channel, references)}, references)

    def balance(self) -> int | None:
        """See `port.Adapter`."""
        return self._carrier.balance(self._channel)

    def receipts(self, body: bytes) -> list[ReceiptNote | Unread]:
        """See `port.Adapter`."""
        return wire.receipts(body)

    def replies(self, body: bytes) -> list[ReplyNote | Unread]:
        """See `port.Adapter`."""
        return wire.replies(body)

    def due(self, now: datetime) -> Told:
        """The next AT_ONCE that would have been pushed by `now`; each is given once, so ask until nothing comes."""
        told = Told([], [])
        found = self._carrier.due(limit=AT_ONCE, channel=self._channel, until=now.timestamp())
        _sort_in(told, found)
        self._carrier.told(found)
        return told


def _sort_in(told: Told, found: Sequence[Due]) -> None:
    for one in found:
        row: dict[str, Any] = one.content()
        if one.kind == "receipts":
            told.receipts.append(wire.receipt(row))
        else:
            told.replies.append(wire.reply(row))
