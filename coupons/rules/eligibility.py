"""May this coupon be redeemed here and now? One evaluator, one reason."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Refusal(StrEnum):
    """Why a redemption was refused; stored with the attempt and sent to tills, so codes never change."""

    NOT_FOUND = "NOT_FOUND"
    MALFORMED = "MALFORMED"
    ALREADY_REDEEMED = "ALREADY_REDEEMED"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    WRONG_TIME = "WRONG_TIME"
    WRONG_STORE = "WRONG_STORE"
    WRONG_PRODUCT = "WRONG_PRODUCT"
    MIN_SPEND = "MIN_SPEND"
    MEMBER_MISMATCH = "MEMBER_MISMATCH"
    MEMBER_LIMIT = "MEMBER_LIMIT"
    STORE_CAP = "STORE_CAP"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    STACK_CONFLICT = "STACK_CONFLICT"
    VOID = "VOID"
    BATCH_PAUSED = "BATCH_PAUSED"
    HELD_ELSEWHERE = "HELD_ELSEWHERE"
    ROTATING_STALE = "ROTATING_STALE"
    SIGNATURE_BAD = "SIGNATURE_BAD"
    OFFLINE_NOT_ALLOWED = "OFFLINE_NOT_ALLOWED"
    CLERK_NOT_ALLOWED = "CLERK_NOT_ALLOWED"
    DEVICE_REVOKED = "DEVICE_REVOKED"
    RATE_LIMITED = "RATE_LIMITED"
    LOCKED_OUT = "LOCKED_OUT"
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"


_MAY_WORK_LATER = frozenset(
    {
        Refusal.MALFORMED,
        Refusal.NOT_YET_VALID,
        Refusal.WRONG_TIME,
        Refusal.MIN_SPEND,
        Refusal.STORE_CAP,
        Refusal.STACK_CONFLICT,
        Refusal.BATCH_PAUSED,
        Refusal.HELD_ELSEWHERE,
        Refusal.ROTATING_STALE,
        Refusal.OFFLINE_NOT_ALLOWED,
        Refusal.RATE_LIMITED,
        Refusal.LOCKED_OUT,
        Refusal.UNKNOWN_OUTCOME,
    }
)
# True: the same coupon may be accepted at the same till after typing again, buying more or waiting.
RETRYABLE: dict[Refusal, bool] = {refusal: refusal in _MAY_WORK_LATER for refusal in Refusal}


@dataclass(frozen=True, slots=True)
class Situation:
    """
    A coupon at a till at one instant. All instants are aware.

    `store_ids` empty means every store. `ticket_fen` None means nobody entered the amount.
    """

    now: datetime
    store_id: int
    valid_from: datetime
    valid_until: datetime
    is_void: bool
    batch_is_active: bool
    uses_count: int
    max_uses: int
    store_ids: frozenset[int]
    min_spend_fen: int
    requires_amount: bool
    ticket_fen: int | None


def refusal_of(situation: Situation) -> Refusal | None:
    """
    The first reason against redeeming, or None; `valid_until` itself is already too late.

    What concerns the coupon for good comes first, so that a clerk is never sent to another store with
    a coupon that is used up.
    """
    return _refusal_of_coupon(situation) or _refusal_of_ticket(situation)


def _refusal_of_coupon(situation: Situation) -> Refusal | None:
    if situation.is_void:
        return Refusal.VOID
    if situation.uses_count >= situation.max_uses:
        return Refusal.ALREADY_REDEEMED
    if situation.now < situation.valid_from:
        return Refusal.NOT_YET_VALID
    if situation.now >= situation.valid_until:
        return Refusal.EXPIRED
    return None


def _refusal_of_ticket(situation: Situation) -> Refusal | None:
    if not situation.batch_is_active:
        return Refusal.BATCH_PAUSED
    if situation.store_ids and situation.store_id not in situation.store_ids:
        return Refusal.WRONG_STORE
    # Without an amount the clerk vouches for the minimum spend, unless the batch wants it entered.
    if situation.ticket_fen is None:
        return Refusal.MIN_SPEND if situation.requires_amount else None
    return Refusal.MIN_SPEND if situation.ticket_fen < situation.min_spend_fen else None
