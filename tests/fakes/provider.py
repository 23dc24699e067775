"""A provider at the port: remembers whom it was asked to write to, answers as the test says."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from delivery.port import (
    Absent,
    Accepted,
    Ambiguous,
    Answer,
    NotSubmitted,
    Person,
    Question,
    ReceiptNote,
    Refused,
    ReplyNote,
    Result,
)
from delivery.rules.categories import Category

Script = Callable[[Sequence[Person]], list[Result]]


def accept(people: Sequence[Person]) -> list[Result]:
    """Everybody is taken; the provider's id follows from ours."""
    return [Accepted(f"v{person.reference}") for person in people]


def refuse(category: Category, code: str = "X1") -> Script:
    """Nobody is taken, for this reason."""
    return lambda people: [Refused(category, code) for _person in people]


def refuse_phone(phone: str, category: Category, code: str = "X1") -> Script:
    """One phone is refused, the others are taken."""

    def answer(people: Sequence[Person]) -> list[Result]:
        return [
            Refused(category, code) if person.phone == phone else Accepted(f"v{person.reference}") for person in people
        ]

    return answer


def ambiguous(people: Sequence[Person]) -> list[Result]:
    """The line broke after the request was written."""
    return [Ambiguous("ReadTimeout") for _person in people]


def lose_one(people: Sequence[Person]) -> list[Result]:
    """One result too few."""
    return accept(people)[1:]


def not_submitted(people: Sequence[Person]) -> list[Result]:
    """The connection was refused."""
    raise NotSubmitted("connection refused")


def fault(people: Sequence[Person]) -> list[Result]:
    """The adapter itself is broken."""
    raise KeyError("results")


class FakeProvider:
    """An adapter whose calls are answered by `script`, one entry a call, then by `default`."""

    def __init__(self) -> None:
        self.script: list[Script] = []
        self.default: Script = accept
        self.calls: list[list[Person]] = []
        self.known: dict[str, Answer] = {}
        self.questions: list[Question] = []
        self.money: int | None = None
        self._lock = threading.Lock()

    @property
    def phones(self) -> list[str]:
        """Every phone that was handed over, as often as it was."""
        return [person.phone for call in self.calls for person in call]

    @property
    def texts(self) -> list[str]:
        """Every text that was handed over."""
        return [person.text for call in self.calls for person in call]

    def submit(self, people: Sequence[Person]) -> list[Result]:
        """See `delivery.port.Adapter`."""
        with self._lock:
            self.calls.append(list(people))
            answer = self.script.pop(0) if self.script else self.default
        return answer(people)

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """See `delivery.port.Adapter`: what `known` says by reference, else absent."""
        self.questions += questions
        return [self.known.get(question.reference, Absent()) for question in questions]

    def balance(self) -> int | None:
        """See `delivery.port.Adapter`."""
        return self.money

    def receipts(self, body: bytes) -> list[ReceiptNote]:
        """One line a receipt: id and code."""
        rows = [line.split() for line in body.decode().splitlines()]
        return [ReceiptNote(row[0], row[1] == "DELIVRD", row[1], datetime(2026, 11, 20, 4, tzinfo=UTC)) for row in rows]

    def replies(self, body: bytes) -> list[ReplyNote]:
        """One line a reply: id, phone, text."""
        return [ReplyNote(*line.split(" ", 2)) for line in body.decode().splitlines()]
