"""What is unusual in how a batch is redeemed. Nothing of it proves anything; it is worth a look."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

BURST = 10  # uses by one clerk within the minutes of a burst
BURST_MINUTES = 10
FEWEST_UNDOS = 5
UNDO_TIMES = 3  # times the share of all stores
FEWEST_USES = 30  # of a store before it can stand out
FEWEST_STORES = 5  # a median of fewer says nothing
STORE_TIMES = 5  # times the median store
FEWEST_REFUSALS = 20  # of one clerk


class Oddity(StrEnum):
    """Kinds of unusual."""

    BURST = "BURST"
    UNDOS = "UNDOS"
    STORE = "STORE"
    REFUSALS = "REFUSALS"


@dataclass(frozen=True, slots=True)
class StoreUse:
    """Redemptions of a batch in one store: those that count and those that were undone."""

    store_id: int
    used: int
    undone: int


def undo_outliers(stores: Sequence[StoreUse]) -> list[StoreUse]:
    """Stores that undo far more of what they redeem than all of them together."""
    undone, made = sum(one.undone for one in stores), sum(one.used + one.undone for one in stores)
    return [
        one for one in stores
        if one.undone >= FEWEST_UNDOS and one.undone * made > UNDO_TIMES * undone * (one.used + one.undone)
    ]  # fmt: skip


def busy_outliers(stores: Sequence[StoreUse]) -> list[StoreUse]:
    """Stores with several times the redemptions of the middle one, among those that have any."""
    busy = [one.used for one in stores if one.used]
    if len(busy) < FEWEST_STORES:
        return []
    middle = median(busy)
    return [one for one in stores if one.used >= FEWEST_USES and one.used > STORE_TIMES * middle]
