"""Shifts of clerks, and what they took."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from coupons.models import Redemption, RedemptionAttempt, RedemptionState, Shift

# What a slip counts: an undo after the hand-over changes no slip.
ON_SLIP = Q(state=RedemptionState.ACCEPTED) | Q(reversal__within_shift=False)


def open_shift_of(*, clerk_id: int) -> Shift | None:
    """The shift that a clerk has begun and not handed over, wherever that is."""
    return Shift.objects.select_related("store", "clerk").filter(clerk_id=clerk_id, closed_at__isnull=True).first()


def open_shift_on(*, device_id: str) -> Shift | None:
    """The shift that is open on a till, whoever's it is."""
    return Shift.objects.select_related("store", "clerk").filter(device_id=device_id, closed_at__isnull=True).first()


def shift_figures(*, shift: Shift, now: datetime) -> dict[str, Any]:
    """
    What a shift took, by coupon, as it was when it was handed over; until `now` while it is open.

    What a manager undoes after the hand-over is on the manager's page and changes no slip. Two queries.
    """
    end = shift.closed_at or now
    found = Redemption.objects.filter(shift=shift).values("coupon__terms__title", "coupon__terms__gift_name")
    rows = list(
        found.annotate(
            count=Count("id", filter=ON_SLIP), saving_fen=Sum("discount_fen", filter=ON_SLIP, default=0),
            undone_count=Count("id", filter=~ON_SLIP), undone_fen=Sum("discount_fen", filter=~ON_SLIP, default=0),
        ).order_by("-count", "coupon__terms__title")
    )  # fmt: skip
    refused = RedemptionAttempt.objects.filter(
        clerk_id=shift.clerk_id, device_id=shift.device_id, at__gte=shift.opened_at, at__lte=end
    )
    return {
        "rows": [row for row in rows if row["count"]], "refused_count": refused.count(),
        **{key: sum(row[key] for row in rows) for key in ("count", "saving_fen", "undone_count", "undone_fen")},
    }  # fmt: skip
