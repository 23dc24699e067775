"""Which channel carries the next chunk."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """A channel that is open and may carry the chunk."""

    channel_id: int
    weight: int


def pick(ways: Sequence[Way], point: int) -> int | None:
    """
    The channel at `point` on the line of weights; None when no way has weight.

    `point` may be any non-negative number: the caller's randomness. Over all points of one
    round each channel is chosen exactly as often as its weight says.
    """
    total = sum(way.weight for way in ways)
    if total == 0:
        return None
    rest = point % total
    for way in ways:
        if rest < way.weight:
            return way.channel_id
        rest -= way.weight
    return None
