"""What other systems are told of coupons."""

from typing import Any

from coupons.models import Redemption, Reversal
from coupons.services.ledgers import REDEMPTIONS, REVERSALS
from foundation.services.webhooks import Feed
from members.models import Member


def _redeemed(after: int, until: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    found = Redemption.objects.filter(pk__gt=after, pk__lte=until).select_related("store", "batch")
    rows = list(found.order_by("pk")[:limit])
    cards = dict(Member.objects.present().filter(pk__in={one.member_id for one in rows}).values_list("pk", "card_no"))
    return [
        (one.pk, {
            "redemption_no": one.redemption_no, "store": one.store.code, "batch": one.batch.name,
            "ticket_fen": one.ticket_fen, "saving_fen": one.discount_fen, "card_no": cards.get(one.member_id or 0),
            "receipt_no": one.receipt_no, "redeemed_at": one.redeemed_at.isoformat(),
        })
        for one in rows
    ]  # fmt: skip


def _reversed(after: int, until: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    rows = Reversal.objects.filter(pk__gt=after, pk__lte=until).select_related("redemption").order_by("pk")[:limit]
    return [
        (one.pk, {
            "redemption_no": one.redemption.redemption_no, "reason": one.reason,
            "reversed_at": one.reversed_at.isoformat(),
        })
        for one in rows
    ]  # fmt: skip


REDEEMED = Feed("coupon.redeemed", REDEMPTIONS, _redeemed)
REVERSED = Feed("coupon.reversed", REVERSALS, _reversed)
