"""What a coupon takes off a ticket: integers in, fen out."""

from dataclasses import dataclass
from typing import Literal

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What one coupon is worth. `percent_off_bp` is what is taken off (2000 = 20 % off, 八折).

    `cap_fen` 0 means no cap. `min_spend_fen` is judged in `eligibility`, not here.
    """

    kind: Literal["CASH", "DISCOUNT", "EXCHANGE"]
    face_fen: int
    percent_off_bp: int
    cap_fen: int
    min_spend_fen: int


def discount_fen(*, terms: Terms, eligible_fen: int) -> int:
    """
    What the till takes off the eligible part of a ticket, in fen; never more than that part.

    A percentage is rounded down to the fen. An exchange coupon takes off nothing: the gift is the value.
    """
    eligible = max(eligible_fen, 0)
    if terms.kind == "CASH":
        return min(terms.face_fen, eligible)
    if terms.kind == "DISCOUNT":
        saving = eligible * terms.percent_off_bp // BASIS_POINTS
        return min(saving, terms.cap_fen) if terms.cap_fen else saving
    return 0
