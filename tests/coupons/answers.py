"""Refusals as the server stores them, one of every reason, with the figures that a real one brings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from coupons.rules.eligibility import RETRYABLE, Refusal

AT = datetime(2026, 11, 21, 2, 42, tzinfo=UTC)  # 10:42 in Shanghai
COUPON = {
    "title": "周末满100减20",
    "valid_from": (AT - timedelta(days=9)).isoformat(),
    "valid_until": (AT + timedelta(days=9)).isoformat(),
}
FIGURES: dict[Refusal, dict[str, Any]] = {
    Refusal.ALREADY_REDEEMED: COUPON | {
        "redeemed_at": (AT - timedelta(minutes=88)).isoformat(), "store": "人民广场店", "clerk": "周敏（0518）",
        "redemption_no": "26112100298440", "here": False, "seconds_ago": 88 * 60,
    },
    Refusal.EXPIRED: COUPON | {"valid_until": (AT - timedelta(days=4, hours=10)).isoformat()},
    Refusal.NOT_YET_VALID: COUPON | {"valid_from": (AT + timedelta(days=6)).isoformat()},
    Refusal.WRONG_TIME: COUPON | {"hours": "每天 18:00 后"},
    Refusal.WRONG_STORE: COUPON | {"stores": ["莘庄店", "徐汇滨江店", "五角场万达广场店"]},
    Refusal.WRONG_PRODUCT: COUPON | {"goods": "生鲜，烟酒不算"},
    Refusal.MIN_SPEND: COUPON | {"min_spend_fen": 10_000, "ticket_fen": 8_760, "missing_fen": 1_240},
    Refusal.MEMBER_LIMIT: COUPON | {"limit": 2},
    Refusal.NOT_FOUND: {"input": "7K••-••••-••5V", "input_channel": "TYPED"},
    Refusal.MALFORMED: {},
    Refusal.SIGNATURE_BAD: {},
    Refusal.HELD_ELSEWHERE: COUPON | {"seconds": 95},
    Refusal.RATE_LIMITED: {"seconds": 20},
    Refusal.LOCKED_OUT: {"minutes": 28},
    Refusal.CLERK_NOT_ALLOWED: {},
    Refusal.DEVICE_REVOKED: {},
}  # fmt: skip


def refused(reason: Refusal) -> dict[str, Any]:
    """The stored answer of one refusal."""
    facts = FIGURES.get(reason, COUPON)
    return {"verdict": "REFUSED", "reason": str(reason), "retryable": RETRYABLE[reason], "facts": facts}
