"""One batch as whoever watches over it looks at it. How many queries that takes never depends on its size."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from coupons.models import BatchState, Coupon, CouponBatch, CouponState, CouponTerms, Redemption, RedemptionState
from coupons.rules.forecast import largest_saving_fen
from coupons.rules.oddity import BURST, BURST_MINUTES, FEWEST_REFUSALS, StoreUse
from foundation.db import fetch_dicts, load_sql

ACCEPTED = Q(state=RedemptionState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """
    Coupons that reached, or may have reached, a member: issued = redeemed + unused + void. Money in fen.

    `exposure_fen` is what the unused ones could still cost. The instants are None while nothing was issued.
    """

    redeemed: int
    unused: int
    void: int
    opened: int
    saved_fen: int
    exposure_fen: int
    first_issued_at: datetime | None
    last_valid_until: datetime | None

    @property
    def issued(self) -> int:
        """All of them."""
        return self.redeemed + self.unused + self.void

    @property
    def not_void(self) -> int:
        """Where those that are void begin in a row of all."""
        return self.redeemed + self.unused


@dataclass(frozen=True, slots=True)
class BatchDay:
    """Redemptions of one business date that count, what they saved in fen, and those that were undone."""

    day: date
    used: int
    saved_fen: int
    undone: int


@dataclass(frozen=True, slots=True)
class BatchStore:
    """A batch in the store where its coupons were redeemed."""

    store_id: int
    name: str
    city: str
    used: int
    undone: int
    saved_fen: int

    @property
    def use(self) -> StoreUse:
        """As the rules take it."""
        return StoreUse(self.store_id, self.used, self.undone)


def batch_figures(*, batch: CouponBatch, terms: CouponTerms) -> BatchFigures:
    """
    Where the coupons of a batch stand. One that was used counts as redeemed, whatever became of its batch.

    In a voided batch every other one is void, also while its row still waits to be written.
    """
    states = Coupon.objects.filter(batch=batch).issued().aggregate(
        redeemed=Count("id", filter=Q(state=CouponState.REDEEMED)),
        unused=Count("id", filter=Q(state=CouponState.ISSUED)),
        void=Count("id", filter=Q(state=CouponState.VOID)),
        opened=Count("id", filter=Q(first_viewed_at__isnull=False)),
        first_issued_at=Min("issued_at"), last_valid_until=Max("valid_until"),
    )  # fmt: skip
    if batch.state == BatchState.VOIDED:
        states |= {"void": states["void"] + states["unused"], "unused": 0}
    saved = Redemption.objects.filter(ACCEPTED, batch=batch).aggregate(fen=Sum("discount_fen"))["fen"]
    each = largest_saving_fen(kind=terms.kind, face_fen=terms.face_fen, cap_fen=terms.cap_fen)
    return BatchFigures(**states, saved_fen=int(saved or 0), exposure_fen=states["unused"] * each)


def days_of_batch(*, batch_id: int) -> list[BatchDay]:
    """The business dates on which something was redeemed, oldest first."""
    rows = Redemption.objects.filter(batch_id=batch_id).values_list("business_date").annotate(
        used=Count("id", filter=ACCEPTED), saved=Sum("discount_fen", filter=ACCEPTED),
        undone=Count("id", filter=~ACCEPTED),
    )  # fmt: skip
    return [BatchDay(day, used, int(saved or 0), undone) for day, used, saved, undone in rows.order_by("business_date")]


def stores_of_batch(*, batch_id: int) -> list[BatchStore]:
    """The stores in which it was redeemed, the busiest first."""
    rows = Redemption.objects.filter(batch_id=batch_id).values_list("store_id", "store__name", "store__city").annotate(
        used=Count("id", filter=ACCEPTED), undone=Count("id", filter=~ACCEPTED),
        saved=Sum("discount_fen", filter=ACCEPTED),
    )  # fmt: skip
    return [
        BatchStore(store_id, name, city, used, undone, int(saved or 0))
        for store_id, name, city, used, undone, saved in rows.order_by("-used", "store__name", "store_id")
    ]


def latest_redemptions(*, batch_id: int, limit: int) -> list[Redemption]:
    """The newest redemptions of a batch, undone ones too."""
    found = Redemption.objects.filter(batch_id=batch_id).select_related("store", "clerk", "coupon")
    return list(found.order_by("-redeemed_at", "-id")[:limit])


def bursts(*, batch_id: int, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Clerks who redeemed many within minutes: see coupons/sql/batch_bursts.sql."""
    facts = {"batch_id": batch_id, "since": since, "minutes": BURST_MINUTES, "fewest": BURST, "limit": limit}
    return fetch_dicts(load_sql("coupons", "batch_bursts"), facts)


def refusals_of_batch(*, batch_id: int, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Clerks who were refused often: see coupons/sql/batch_refusals.sql."""
    facts = {"batch_id": batch_id, "since": since, "fewest": FEWEST_REFUSALS, "limit": limit}
    return fetch_dicts(load_sql("coupons", "batch_refusals"), facts)
