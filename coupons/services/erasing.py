"""Coupons of somebody who was erased: none can be used or opened any more; what was redeemed stays, without a name."""

from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from coupons.models import Coupon, CouponState, Redemption
from foundation.db import execute
from foundation.tokens import new_tokens
from members.services.erase import Erased

REASON = "ERASED"
FORGET_CARD = """
UPDATE foundation_webhookcall SET payload = jsonb_set(payload, '{card_no}', 'null')
WHERE topic = 'coupon.redeemed' AND row_id = ANY(%(ids)s)
"""
FORGET_TAIL = """
UPDATE coupons_redemptionrequest q SET answer = jsonb_set(q.answer, '{phone_tail}', '""')
FROM coupons_redemption r
WHERE r.id = ANY(%(ids)s) AND q.device_id = r.device_id AND q.request_id = r.request_id AND q.answer ? 'phone_tail'
"""


@transaction.atomic
def erase(*, person: Erased, now: datetime) -> int:
    """
    Make the person's unused coupons void and lead their links nowhere; nothing is on its way here.

    One that was redeemed stays so, and becomes void when that is undone. The batch counts them all as given: they were.
    A repeat changes nothing.
    """
    mine = Coupon.objects.filter(member_id__in=person.member_ids)
    coupons = list(mine.filter(~Q(phone_tail="") | Q(state=CouponState.ISSUED)).select_for_update().order_by("pk"))
    for coupon, token in zip(coupons, new_tokens(len(coupons)), strict=True):
        Coupon.objects.filter(pk=coupon.pk).update(
            phone_tail="", link_token=token,
            state=Case(When(state=CouponState.ISSUED, then=Value(CouponState.VOID)), default=F("state")),
            voided_at=Case(When(state=CouponState.ISSUED, then=Value(now)), default=F("voided_at")),
            void_reason=Case(When(state=CouponState.VOID, then=F("void_reason")), default=Value(REASON)),
        )  # fmt: skip
    ids = list(Redemption.objects.filter(coupon__in=mine).values_list("pk", flat=True))
    execute(FORGET_CARD, {"ids": ids})
    execute(FORGET_TAIL, {"ids": ids})
    return 0
