"""Two groups compared by how many of each did something: a difference with what chance alone would allow."""

from dataclasses import dataclass
from math import ceil, floor, sqrt

BASIS_POINTS = 10_000
Z = 1.959964  # of a normal distribution, 95 % of which lies between −Z and Z
FEWEST = 100  # people of a group below which nothing is concluded


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a group did it."""

    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first share minus the second in basis points, with the 95 % interval around it, rounded outwards."""

    points: int
    low: int
    high: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def difference_of(first: Share, second: Share) -> Difference | None:
    """
    How much more often the first group did it; None when a group is too small to tell.

    R. G. Newcombe, Statistics in Medicine 17 (1998), method 10: the Wilson intervals of both, put together.
    """
    if min(first.of, second.of) < FEWEST:
        return None
    one, two = first.count / first.of, second.count / second.of
    (one_low, one_high), (two_low, two_high) = _wilson(first), _wilson(second)
    low = one - two - sqrt((one - one_low) ** 2 + (two_high - two) ** 2)
    high = one - two + sqrt((one_high - one) ** 2 + (two - two_low) ** 2)
    return Difference(
        points=round((one - two) * BASIS_POINTS), low=max(floor(low * BASIS_POINTS), -BASIS_POINTS),
        high=min(ceil(high * BASIS_POINTS), BASIS_POINTS),
    )  # fmt: skip


def _wilson(share: Share) -> tuple[float, float]:
    """The 95 % score interval of one share (E. B. Wilson, 1927)."""
    part, square = share.count / share.of, Z * Z
    middle = part + square / (2 * share.of)
    reach = Z * sqrt(part * (1 - part) / share.of + square / (4 * share.of * share.of))
    whole = 1 + square / share.of
    return max((middle - reach) / whole, 0.0), min((middle + reach) / whole, 1.0)
