"""Builders for tills: clerks with a store, coupons through the real issue, questions."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission

from coupons.models import Coupon, CouponBatch, CouponTerms, Shift
from coupons.services.issue import Receiver, issue_to
from coupons.services.redeem import Question
from coupons.services.shifts import open_shift
from foundation import clock
from foundation.models import Operator
from members.models import Store, StoreScope
from tests.factories import NOON, make_operator, make_store, make_terms

DEVICE = "device-0001"
LONG = {
    "valid_days": None,
    "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
    "valid_until": datetime(2099, 1, 1, tzinfo=UTC),
}


def make_clerk(*stores: Store, permissions: tuple[str, ...] = ("redeem",), **facts: Any) -> Operator:
    """An operator who works for some stores; one new store when none is given."""
    clerk = make_operator(**facts)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="coupons"))
    for store in stores or (make_store(code=f"S{clerk.pk}"),):
        StoreScope.objects.create(operator=clerk, store=store)
    return clerk


def make_manager(*stores: Store, **facts: Any) -> Operator:
    """A store manager."""
    return make_clerk(*stores, permissions=("redeem", "reverse_in_store"), **facts)


def begin_shift(clerk: Operator, *, device_id: str = DEVICE, now: datetime | None = None) -> Shift:
    """The clerk begins work on a till of their first store."""
    store = Store.objects.filter(scopes__operator=clerk).order_by("id")[0]
    return open_shift(store=store, device_id=device_id, by=clerk, now=now or clock.now())


def make_coupon(terms: CouponTerms | None = None, *, member_id: int = 1, ordinal: int = 1, **changes: Any) -> Coupon:
    """One coupon issued at noon; `changes` are written over it."""
    terms = terms or make_terms()
    receiver = Receiver(member_id=member_id, phone_tail="5678", ordinal=ordinal)
    issued = issue_to(terms=terms, receivers=[receiver], source="test:1", issued_at=NOON)
    Coupon.objects.filter(pk=issued[0].id).update(**changes) if changes else None
    return Coupon.objects.get(pk=issued[0].id)


def pause(coupon: Coupon, state: str = "PAUSED") -> None:
    """Put the batch of a coupon into another state."""
    CouponBatch.objects.filter(pk=coupon.batch_id).update(state=state)


def ask(
    clerk: Operator, text: str, *, ticket_fen: int | None = 10_000, store: Store | None = None, **facts: Any
) -> Question:
    """A question from the clerk's first store: 100 yuan, typed."""
    values: dict[str, Any] = {"device_id": DEVICE, "input_channel": "TYPED"} | facts
    place = store or Store.objects.filter(scopes__operator=clerk).order_by("id")[0]
    return Question(text=text, clerk=clerk, store=place, ticket_fen=ticket_fen, **values)
