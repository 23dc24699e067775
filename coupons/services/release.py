"""Coupons whose message was never sent go back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F

from coupons.models import Coupon, CouponBatch, CouponState


@transaction.atomic
def on_not_sent(*, payload: dict[str, Any], now: datetime) -> None:
    """
    News from delivery: these messages certainly reached nobody, so their coupons become void, reason NOT_SENT.

    They no longer count as issued. A repeat changes nothing; a coupon that was used stays as it is.
    """
    unsent = Coupon.objects.filter(
        pk__in=payload["sender_refs"], source=payload["source"], state=CouponState.ISSUED, uses_count=0
    )
    locked = list(unsent.select_for_update().order_by("pk").values_list("pk", flat=True))
    freed = Coupon.objects.filter(pk__in=locked).values("batch_id").annotate(n=Count("pk")).order_by("batch_id")
    for row in list(freed):
        CouponBatch.objects.filter(pk=row["batch_id"]).update(issued_count=F("issued_count") - row["n"])
    Coupon.objects.filter(pk__in=locked).update(state=CouponState.VOID, voided_at=now, void_reason="NOT_SENT")
