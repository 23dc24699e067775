"""Rows of the coupons' room."""

from coupons.models.batch import BatchState, BatchVoid, CouponBatch, CouponKind, CouponTerms, VoidState
from coupons.models.coupon import Coupon, CouponState
from coupons.models.till import (
    InputChannel,
    Redemption,
    RedemptionAttempt,
    RedemptionRequest,
    RedemptionState,
    Reversal,
    Shift,
    UndoReason,
)

__all__ = [
    "BatchState",
    "BatchVoid",
    "Coupon",
    "CouponBatch",
    "CouponKind",
    "CouponState",
    "CouponTerms",
    "InputChannel",
    "Redemption",
    "RedemptionAttempt",
    "RedemptionRequest",
    "RedemptionState",
    "Reversal",
    "Shift",
    "UndoReason",
    "VoidState",
]
