"""A till's list of redemptions, row by row."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coupons.models import Redemption, RedemptionAttempt, RedemptionState
from coupons.rules.eligibility import Refusal
from coupons.rules.reason_texts import REASON_TEXTS
from coupons.serializers import words
from foundation.money import format_fen


def history_rows(
    found: Sequence[Redemption], *, clerk_id: int, device_id: str, is_manager: bool, now: datetime
) -> list[dict[str, Any]]:
    """
    What the history shows, newest first.

    `undo` is MANAGER when this clerk must ask (a manager: the area manager), MINE within the clerk's minutes, ANY for
    a manager and what others redeemed, NO when there is nothing to undo.
    """
    return [_row(one, clerk_id=clerk_id, device_id=device_id, is_manager=is_manager, now=now) for one in found]


def totals(found: Sequence[Redemption]) -> dict[str, Any]:
    """How many count, and what they saved."""
    counted = [one for one in found if one.state == RedemptionState.ACCEPTED]
    return {
        "count": len(counted),
        "saving": format_fen(sum(one.discount_fen for one in counted)),
        "undone_count": len(found) - len(counted),
    }


def _row(one: Redemption, *, clerk_id: int, device_id: str, is_manager: bool, now: datetime) -> dict[str, Any]:
    local = one.redeemed_at.astimezone(ZoneInfo(one.store.zone))
    until = one.redeemed_at + timedelta(minutes=one.batch.undo_minutes)
    gift = one.coupon.terms.gift_name if one.coupon.terms.kind == "EXCHANGE" else ""
    is_undone = one.state == RedemptionState.REVERSED
    is_own = one.clerk_id == clerk_id
    is_fresh = is_own and one.device_id == device_id and now <= until
    return {
        "redemption_no": one.redemption_no,
        "number_tail": one.redemption_no[-6:],
        "title": one.coupon.terms.title,
        "time": f"{local:%H:%M}",
        "seconds": f"{local:%H:%M:%S}",
        "member": _("ending %(tail)s") % {"tail": one.coupon.phone_tail} if one.coupon.phone_tail else "",
        "channel": one.get_input_channel_display(),
        "clerk": str(one.clerk),
        "gift": gift,
        "saving": format_fen(one.discount_fen),
        "saving_fen": one.discount_fen,
        "state": one.state,
        "undone": _undone(one) if is_undone else "",
        "undo": "NO" if is_undone else "MINE" if is_fresh else "ANY" if is_manager and not is_own else "MANAGER",
        "undo_until": until.isoformat(),
        "undo_span": words.span(int((until - now).total_seconds())),
        "has_countdown": is_fresh and not is_undone,
    }


def _undone(one: Redemption) -> str:
    undo = one.reversal
    local = undo.reversed_at.astimezone(ZoneInfo(one.store.zone))
    return _("undone %(time)s: %(reason)s") % {"time": f"{local:%H:%M}", "reason": undo.get_reason_display()}


def refusal_rows(found: Sequence[RedemptionAttempt], *, zone: ZoneInfo) -> list[dict[str, Any]]:
    """What was refused: when, which coupon as far as known, the word of the verdict, how it came in, by whom."""
    return [
        {
            "time": f"{one.at.astimezone(zone):%H:%M}",
            "title": one.coupon.terms.title if one.coupon else "",
            "word": pgettext("verdict", REASON_TEXTS[Refusal(one.reason)].word),
            "channel": one.get_input_channel_display(),
            "clerk": str(one.clerk),
        }
        for one in found
    ]
