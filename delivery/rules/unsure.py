"""When a provider is asked about a message that it may or may not have taken, and when its answer is believed."""

from datetime import datetime, timedelta
from typing import Final

LEAST_ABSENT: Final = 3  # times the provider must not know it
LONGEST_PAUSE: Final = timedelta(hours=1)


def first_check(grace_seconds: int) -> timedelta:
    """How long after the failed call the provider is asked for the first time: a tenth of the grace."""
    return timedelta(seconds=grace_seconds) / 10


def next_check(*, checks: int, now: datetime, grace_seconds: int) -> datetime:
    """The instant of the question after `checks` of them: each pause twice the one before, an hour at most."""
    return now + min(first_check(grace_seconds) * 2 ** min(checks, 12), LONGEST_PAUSE)


def is_absent(*, absent: int, since: datetime, now: datetime, grace_seconds: int) -> bool:
    """
    Whether "never heard of it" is believed: said LEAST_ABSENT times, and once the grace is over.

    Providers write messages down some minutes late (providers.md 2.5 asks for ten).
    """
    return absent >= LEAST_ABSENT and now - since >= timedelta(seconds=grace_seconds)
