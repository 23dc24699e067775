"""Which channel carries the next chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LOT_CARRIERS: Final = ("MOBILE", "UNICOM", "TELECOM", "BROADNET", "VIRTUAL", "UNKNOWN")


def lot_carrier(carrier: str) -> str:
    """The carrier under which a message waits: machines' and unknown prefixes are one lot."""
    return carrier if carrier in LOT_CARRIERS else "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Way:
    """
    A channel that may carry the chunk. `weight` has its circuit's share in it.

    `price` is 1/10000 yuan a part, `quality` percent delivered of late.
    """

    channel_id: int
    weight: int
    price: int = 0
    quality: int = 100


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


def in_order(ways: Sequence[Way], *, policy: str, point: int) -> list[int]:
    """
    The channels to be asked for room, first choice first; those without weight are left out.

    WEIGHTS: the picked one, then the others by weight. CHEAPEST: by price. QUALITY: by share delivered.
    Among equals the one picked by weight goes first.
    """
    useful = [way for way in ways if way.weight > 0]
    first = pick(useful, point)
    ranked = sorted(useful, key=lambda way: (_rank(way, policy), way.channel_id != first, -way.weight, way.channel_id))
    return [way.channel_id for way in ranked]


def _rank(way: Way, policy: str) -> int:
    """What is compared before the weights: the smallest goes first."""
    return {"CHEAPEST": way.price, "QUALITY": -way.quality}.get(policy, 0)


def first_choices(ways: Sequence[Way], *, policy: str) -> dict[int, int]:
    """
    How often `in_order` puts each channel first over all points of one round; those that never come first are left out.

    A pick that is not among the best by price or quality falls to the heaviest of the best.
    """
    useful = [way for way in ways if way.weight > 0]
    if not useful:
        return {}
    best = min(_rank(way, policy) for way in useful)
    firsts = sorted(
        (way for way in useful if _rank(way, policy) == best), key=lambda way: (-way.weight, way.channel_id)
    )
    chosen = {way.channel_id: way.weight for way in firsts}
    chosen[firsts[0].channel_id] += sum(way.weight for way in useful) - sum(chosen.values())
    return chosen


def percents(counts: Mapping[int, int]) -> dict[int, int]:
    """Whole percents that add up to 100: what rounding leaves goes to those who lost most by it."""
    total = sum(counts.values())
    if total == 0:
        return {}
    shares = {key: count * 100 // total for key, count in counts.items()}
    losers = sorted(counts, key=lambda key: (-(counts[key] * 100 % total), key))
    for key in losers[: 100 - sum(shares.values())]:
        shares[key] += 1
    return shares
