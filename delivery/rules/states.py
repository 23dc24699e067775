"""Which state of a message may follow which: the one transition table."""

from typing import Final

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    "PLANNED": frozenset({"CLAIMED", "EXCLUDED", "EXPIRED", "CANCELLED"}),
    # Back to PLANNED only when the hand-off was never committed, or a category proves that nobody was written to;
    # EXCLUDED and EXPIRED at the gate, before the fence.
    "CLAIMED": frozenset({"PLANNED", "EXCLUDED", "EXPIRED", "ACCEPTED", "REFUSED", "UNSURE"}),
    "UNSURE": frozenset({"ACCEPTED", "REFUSED", "DELIVERED", "UNDELIVERED"}),
    "ACCEPTED": frozenset({"DELIVERED", "UNDELIVERED", "UNREPORTED"}),
    "UNREPORTED": frozenset({"DELIVERED", "UNDELIVERED"}),  # a receipt may be very late
    "EXCLUDED": frozenset(),
    "REFUSED": frozenset(),
    "DELIVERED": frozenset({"UNDELIVERED"}),  # a later part of a long message failed: the worst receipt wins
    "UNDELIVERED": frozenset(),
    "EXPIRED": frozenset(),
    "CANCELLED": frozenset(),
}

OPEN: Final = frozenset({"PLANNED", "CLAIMED"})  # a run can't finish while one of these is left
NOT_SENT: Final = frozenset({"EXCLUDED", "EXPIRED", "CANCELLED", "REFUSED"})  # nobody was written to, for certain

# What another system is told of its notice: how it ended. That it was submitted is only on the way there.
TOLD: Final = frozenset({"DELIVERED", "UNDELIVERED", "UNREPORTED"}) | NOT_SENT

ALLOWED_PAIRS: Final[list[str]] = [f"{old}>{new}" for old, follow in TRANSITIONS.items() for new in sorted(follow)]


def may_follow(old: str, new: str) -> bool:
    """Whether a message in state `old` may move to `new`."""
    return new in TRANSITIONS[old]


def counted_as(state: str) -> str:
    """The state under which tallies count a message: waiting and being sent are one number on screen."""
    return "PLANNED" if state == "CLAIMED" else state
