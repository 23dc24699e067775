"""
Recency, frequency, money and the stages of a member's life with the chain; the same numbers serve SQL.

A band is 1 (worst) to 5 (best). Recency has fixed bounds; frequency and money are cut at the quintiles of
those who bought in the last FREQUENCY_WINDOW_DAYS, which the caller computes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

BEST_BAND = 5
# Bought at most so many days ago: band 5, 4, 3, 2; longer ago or never: band 1.
RECENCY_BOUNDS_DAYS = (14, 30, 60, 120)
FREQUENCY_WINDOW_DAYS = 365
# Shares at which frequency and money are cut, for percentile_disc.
QUINTILES = ("0.2", "0.4", "0.6", "0.8")

NEW_WITHIN_DAYS = 30
ACTIVE_WITHIN_DAYS = 30
DORMANT_WITHIN_DAYS = 120

Lifecycle = Literal["PROSPECT", "NEW", "ACTIVE", "DORMANT", "LOST"]


@dataclass(frozen=True, slots=True)
class Bands:
    """The three bands of one member."""

    r: int
    f: int
    m: int


def bands(
    *,
    recency_days: int | None,
    frequency: int,
    money_fen: int,
    frequency_bounds: Sequence[int],
    money_bounds: Sequence[int],
) -> Bands:
    """
    The bands of one member; who never bought (`recency_days` None) stands in band 1 throughout.

    The bounds are four ascending quintile values; a value on a bound belongs to the lower band.
    """
    return Bands(
        r=recency_band(recency_days),
        f=quintile_band(frequency, frequency_bounds),
        m=quintile_band(money_fen, money_bounds),
    )


def recency_band(days: int | None) -> int:
    """5 for a purchase in the last 14 days, down to 1 for more than 120 days or never."""
    return 1 if days is None else BEST_BAND - bisect_left(RECENCY_BOUNDS_DAYS, days)


def quintile_band(value: int, bounds: Sequence[int]) -> int:
    """1 up to and including the first bound, 5 above the fourth."""
    return 1 + bisect_left(bounds, value)


def lifecycle(*, joined_days: int | None, last_purchase_days: int | None, purchase_count: int) -> Lifecycle:
    """
    The stage of a member; `joined_days` None means nobody knows when they joined.

    NEW goes before ACTIVE: who joined in the last 30 days and bought is new, however often they came.
    """
    if last_purchase_days is None or purchase_count == 0:
        return "PROSPECT"
    if joined_days is not None and joined_days <= NEW_WITHIN_DAYS:
        return "NEW"
    if last_purchase_days <= ACTIVE_WITHIN_DAYS:
        return "ACTIVE"
    return "DORMANT" if last_purchase_days <= DORMANT_WITHIN_DAYS else "LOST"
