"""The first time a member opened their coupon."""

from datetime import datetime

from coupons.models import Coupon


def note_first_view(*, coupon_id: int, now: datetime) -> bool:
    """Note that a coupon was opened; only the first time counts. Returns whether this was it."""
    unseen = Coupon.objects.filter(pk=coupon_id, first_viewed_at__isnull=True)
    return bool(unseen.update(first_viewed_at=now))
