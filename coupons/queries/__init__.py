"""Reading in the coupons' room."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, Sum

from coupons.models import BatchState, Coupon, CouponBatch, CouponState, Redemption, RedemptionAttempt, RedemptionState
from members.queries.segment import SegmentField
from members.rules.segment import Choice, FieldSpec


def segment_fields() -> list[SegmentField]:
    """What segments may ask about coupons, by the name of the batch."""
    many = ("in", "not_in")
    return [
        SegmentField(
            FieldSpec("coupon_redeemed", "TEXT_CHOICE", "用过的券", "redeemed coupon", many), _redeemed, _batches
        ),
        SegmentField(
            FieldSpec("coupon_unused", "TEXT_CHOICE", "领了没用的券", "unused coupon", many), _unused, _batches
        ),
    ]


def _batches() -> list[Choice]:
    names = CouponBatch.objects.order_by("-id").values_list("name", flat=True)
    return [Choice(name, name, name) for name in names]


def _among(found: Exists, op: str) -> Q:
    return ~Q(found) if op == "not_in" else Q(found)


def _redeemed(op: str, value: Any, now: datetime) -> Q:
    uses = Coupon.objects.filter(member_id=OuterRef("pk"), batch__name__in=value, uses_count__gt=0)
    return _among(Exists(uses), op)


def _unused(op: str, value: Any, now: datetime) -> Q:
    waiting = Coupon.objects.open_at(now).filter(member_id=OuterRef("pk"), batch__name__in=value, uses_count=0)
    return _among(Exists(waiting), op)


def redemption_figures(*, source: str) -> dict[str, int]:
    """Redemptions, undos and yuan (in fen) of the coupons that one run gave away."""
    accepted = Q(state=RedemptionState.ACCEPTED)
    figures = Redemption.objects.filter(source=source).aggregate(
        redeemed=Count("id", filter=accepted),
        reversed=Count("id", filter=~accepted),
        saving_fen=Sum("discount_fen", filter=accepted),
        ticket_fen=Sum("ticket_fen", filter=accepted),
    )
    return {name: int(value or 0) for name, value in figures.items()}


def coupon_figures(*, source: str) -> dict[str, int]:
    """Coupons that one run gave away: issued (sent or maybe sent), opened, used, released."""
    released = Q(state=CouponState.VOID, void_reason="NOT_SENT")
    figures = Coupon.objects.filter(source=source).aggregate(
        issued=Count("id", filter=~released),
        opened=Count("id", filter=Q(first_viewed_at__isnull=False)),
        released=Count("id", filter=released),
    )
    return {name: int(value or 0) for name, value in figures.items()}


def redeemed_on(*, day: date, until: datetime) -> dict[str, int]:
    """Redemptions of a business date up to `until` that were not undone, and what members saved by them in fen."""
    uses = Redemption.objects.filter(business_date=day, redeemed_at__lte=until, state=RedemptionState.ACCEPTED)
    figures = uses.aggregate(count=Count("id"), saving_fen=Sum("discount_fen"))
    return {name: int(value or 0) for name, value in figures.items()}


def till_history(*, store_id: int, clerk_id: int | None, business_date: Any, limit: int = 50) -> Sequence[Redemption]:
    """The latest redemptions of a store's day, newest first; of one clerk when given."""
    found = Redemption.objects.select_related("coupon__terms", "clerk", "batch", "store", "reversal").filter(
        store_id=store_id, business_date=business_date
    )
    if clerk_id is not None:
        found = found.filter(clerk_id=clerk_id)
    return list(found.order_by("-id")[:limit])


def till_refusals(*, store_id: int, clerk_id: int | None, since: datetime, limit: int) -> Sequence[RedemptionAttempt]:
    """The latest refusals in a store, newest first; of one clerk when given."""
    found = RedemptionAttempt.objects.select_related("coupon__terms", "clerk").filter(store_id=store_id, at__gte=since)
    if clerk_id is not None:
        found = found.filter(clerk_id=clerk_id)
    return list(found.order_by("-at", "-id")[:limit])


def last_use(*, coupon_id: int) -> Redemption | None:
    """The latest use of a coupon that was not undone."""
    uses = Redemption.objects.select_related("store", "clerk").filter(
        coupon_id=coupon_id, state=RedemptionState.ACCEPTED
    )
    return uses.order_by("-use_seq").first()


def other_open_coupons(*, coupon: Coupon, now: datetime, limit: int = 20) -> Sequence[Coupon]:
    """Further coupons of the same member that can be redeemed now, the first to end on top."""
    if coupon.member_id is None:
        return []
    states = (BatchState.ACTIVE, BatchState.ENDED)
    found = Coupon.objects.open_at(now).filter(member_id=coupon.member_id, batch__state__in=states)
    return list(found.exclude(pk=coupon.pk).select_related("terms", "batch").order_by("valid_until", "id")[:limit])
