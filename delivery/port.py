"""What an adapter is: a chunk of people in, one result per person out; receipts and replies understood."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from delivery.rules.categories import Category


@dataclass(frozen=True, slots=True)
class Person:
    """One message as a provider gets it. `reference` is our own number for it."""

    reference: str
    phone: str
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it and calls it `vendor_id`."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not take it, for certain."""

    category: Category
    vendor_code: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It may or may not have been taken. Never repeated on a guess."""

    detail: str


Result = Accepted | Refused | Ambiguous


@dataclass(frozen=True, slots=True)
class Absent:
    """Asked later, the provider does not know it. Soon after the call this may change."""


@dataclass(frozen=True, slots=True)
class Question:
    """One message of which nobody knows whether the provider took it."""

    reference: str
    phone: str
    submitted_at: datetime


Answer = Accepted | Refused | Absent | Ambiguous


@dataclass(frozen=True, slots=True)
class ReceiptNote:
    """
    A receipt as the provider tells it; of several parts of one message each may have its own.

    `reference` is ours, from providers that give it back; it finds the message when no accept was ever seen.
    """

    vendor_id: str
    is_delivered: bool
    vendor_code: str
    reported_at: datetime
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ReplyNote:
    """A message from a phone as the provider tells it."""

    vendor_id: str
    phone: str
    text: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A row of a webhook's body that can't be understood: why, in English, and the row as it came."""

    fault: str
    row: str


class NotSubmitted(Exception):
    """Not one byte was written to the provider; anything less certain is Ambiguous, not an exception."""


class Malformed(ValueError):
    """A webhook's body is not what this provider sends, as a whole."""


class Adapter(Protocol):
    """The one shape all providers are given."""

    def submit(self, people: Sequence[Person]) -> list[Result]:
        """
        Hand over up to the channel's batch size; one result per person, in the same order.

        Raises NotSubmitted only when nothing was written.
        """
        ...

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """
        What the provider knows of messages whose hand-over is unsure; one answer per question, in the same order.

        Ambiguous where it can't tell or can't be reached. Raises nothing.
        """
        ...

    def balance(self) -> int | None:
        """The money left with the provider in 1/10000 yuan; None when it does not say. Raises NotSubmitted."""
        ...

    def receipts(self, body: bytes) -> list[ReceiptNote | Unread]:
        """The receipts in a webhook's body, in its order. Raises Malformed."""
        ...

    def replies(self, body: bytes) -> list[ReplyNote | Unread]:
        """The replies in a webhook's body, in its order. Raises Malformed."""
        ...
