"""What a provider's refusal means, and what follows from it (provider-neutral)."""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """Why a provider did not take a message."""

    RETRY = "RETRY"  # certainly not accepted, transient
    THROTTLE = "THROTTLE"  # too many calls
    CHANNEL = "CHANNEL"  # credentials, address, permission, protocol
    BALANCE = "BALANCE"  # no money left
    QUOTA = "QUOTA"  # day or month quota of the account
    NUMBER = "NUMBER"  # bad, empty or blocked number
    NUMFREQ = "NUMFREQ"  # the provider's own frequency rule for the number; never dodged by another channel
    CONTENT = "CONTENT"  # forbidden words, link, length
    SIGNTPL = "SIGNTPL"  # signature or template not filed
    TIME = "TIME"  # outside the provider's hours
    REQUEST = "REQUEST"  # our own malformed call
    # Two of our own, where no provider answered at all:
    AWAY = "AWAY"  # not reachable: not one byte was written
    INCOMPLETE = "INCOMPLETE"  # text or phone of the message can't be written


# Only these prove that nobody was written to and that another try may succeed.
# SIGNTPL waits in a paused dispatch until somebody has filed the text.
TRY_AGAIN: Final = frozenset(
    {
        Category.RETRY,
        Category.THROTTLE,
        Category.CHANNEL,
        Category.BALANCE,
        Category.QUOTA,
        Category.TIME,
        Category.SIGNTPL,
        Category.AWAY,
    }
)
BREAKS_CHANNEL: Final = frozenset({Category.CHANNEL, Category.BALANCE, Category.QUOTA})
# Speak of the channel's health; what is wrong with a number, a text or the hour does not.
AILS_CHANNEL: Final = BREAKS_CHANNEL | {Category.RETRY, Category.AWAY}
PAUSES_DISPATCH: Final = frozenset({Category.CONTENT, Category.SIGNTPL})
SUPPRESSES_NUMBER: Final = frozenset({Category.NUMBER})

MAX_RETRIES: Final = 12  # about 25 minutes
FIRST_WAIT_SECONDS: Final = 2
LAST_WAIT_SECONDS: Final = 300
CLOSED_WAIT_SECONDS: Final = 1800  # outside the provider's hours


def next_state(category: Category, retries: int) -> str:
    """
    PLANNED when the message may be tried again, else REFUSED. `retries` counts its RETRY answers, this one included.

    Only RETRY may be the message's own fault and is given up after MAX_RETRIES; what ails the channel may
    last as long as the message's own expiry allows, and does not use them up.
    """
    if category not in TRY_AGAIN or (category == Category.RETRY and retries >= MAX_RETRIES):
        return "REFUSED"
    return "PLANNED"


def wait_before_retry(category: Category, tries: int, spread: int) -> timedelta:
    """
    How long a message waits after its `tries`-th failed try: 2 s, 4 s, 8 s … up to five minutes.

    `spread` (0–99) is the caller's randomness: up to half as long again, so that a chunk does not return as one.
    """
    if category == Category.TIME:
        return timedelta(seconds=CLOSED_WAIT_SECONDS)
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(tries - 1, 10), LAST_WAIT_SECONDS)
    return timedelta(milliseconds=wait * (1000 + 5 * spread))
