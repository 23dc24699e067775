"""How many coupons of a batch will be used if it goes on as in the last days."""

from collections.abc import Sequence

DAYS = 7  # whole days that make the pace


def expected_uses(*, daily: Sequence[int], used: int, unused: int, days_left: int) -> int | None:
    """
    Uses at the end: those so far, and the mean of the last seven whole days for each day that is left.

    `daily` holds whole days, oldest first; `used` may hold more, those of today. Rounded down, never more than there
    are coupons. None when no whole day is over.
    """
    last = daily[-DAYS:]
    if not last:
        return None
    return used + min(sum(last) * max(days_left, 0) // len(last), unused)


def largest_saving_fen(*, kind: str, face_fen: int, cap_fen: int) -> int:
    """What one coupon can take off at most; nothing for an exchange coupon, whose gift is the value."""
    return {"CASH": face_fen, "DISCOUNT": cap_fen}.get(kind, 0)
