"""What several receipts of one message come to, when an unknown one is looked up again, what a code means."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

GIVE_UP = timedelta(hours=72)

Meaning = TypeVar("Meaning")


def worst(codes: list[tuple[bool, str]]) -> tuple[bool, str]:
    """
    Of (is delivered, code) of one message's receipts the one that counts: any failure beats every success.

    The same whatever the order they came in; of several failures the first by code.
    """
    failures = sorted(code for is_delivered, code in codes if not is_delivered)
    return (False, failures[0]) if failures else (True, "")


def next_look(*, received_at: datetime, now: datetime) -> datetime | None:
    """
    When a receipt without a known message is looked up again: soon while its accept may still be being written,
    then ever less often; None after GIVE_UP.
    """
    age = now - received_at
    if age >= GIVE_UP:
        return None
    return now + max(timedelta(seconds=2), min(age / 2, timedelta(hours=1)))


def match(code: str, known: Mapping[str, Meaning]) -> Meaning | None:
    """The entry of a provider's code: the code itself, else the longest that ends in `*` and fits its beginning."""
    if code in known:
        return known[code]
    for length in range(len(code), -1, -1):
        if (entry := known.get(code[:length] + "*")) is not None:
            return entry
    return None
