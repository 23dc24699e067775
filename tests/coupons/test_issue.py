"""Issuing coupons."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from coupons.models import Coupon, CouponBatch
from coupons.services.issue import CouponsExhausted, Receiver, issue_to, validity
from tests.factories import NOON, make_terms

pytestmark = pytest.mark.django_db


def receivers(count, *, ordinal=1):
    return [Receiver(member_id=number, phone_tail=f"{number:04}", ordinal=ordinal) for number in range(count)]


def test_everybody_gets_one_coupon_in_their_order():
    terms = make_terms(planned_count=3)

    issued = issue_to(terms=terms, receivers=receivers(3), source="run:7", issued_at=NOON)

    rows = list(Coupon.objects.order_by("member_id").values_list("id", "code", "link_token", "phone_tail", "source"))
    assert rows == [(one.id, one.code, one.link_token, f"{n:04}", "run:7") for n, one in enumerate(issued)]
    assert CouponBatch.objects.get().issued_count == 3


def test_days_after_issue_end_at_midnight_in_shanghai():
    terms = make_terms(valid_days=1)

    assert validity(terms=terms, issued_at=NOON) == (NOON, datetime(2026, 11, 21, 16, 0, tzinfo=UTC))


def test_fixed_dates_do_not_depend_on_the_issue():
    ends = {"valid_from": NOON, "valid_until": NOON + timedelta(days=2), "valid_days": None}
    terms = make_terms(**ends)

    assert validity(terms=terms, issued_at=NOON + timedelta(days=1)) == (ends["valid_from"], ends["valid_until"])


def test_more_people_than_coupons_are_refused_and_nothing_is_taken():
    terms = make_terms(planned_count=2)

    with pytest.raises(CouponsExhausted):
        issue_to(terms=terms, receivers=receivers(3), source="run:7", issued_at=NOON)

    assert (Coupon.objects.count(), CouponBatch.objects.get().issued_count) == (0, 0)


@pytest.mark.parametrize("state", ["DRAFT", "SUBMITTED", "PAUSED", "ENDED", "VOIDED"])
def test_only_an_active_batch_is_issued(state):
    terms = make_terms()
    CouponBatch.objects.update(state=state)

    with pytest.raises(CouponsExhausted):
        issue_to(terms=terms, receivers=receivers(1), source="run:7", issued_at=NOON)

    assert not Coupon.objects.exists()


def test_nobody_gets_theirs_twice():
    terms = make_terms()
    issue_to(terms=terms, receivers=receivers(2), source="run:7", issued_at=NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        issue_to(terms=terms, receivers=receivers(1), source="run:8", issued_at=NOON)

    assert (Coupon.objects.count(), CouponBatch.objects.get().issued_count) == (2, 2)


def test_a_second_coupon_has_a_number_of_its_own():
    terms = make_terms(per_member_limit=2)
    issue_to(terms=terms, receivers=receivers(1), source="run:7", issued_at=NOON)

    issue_to(terms=terms, receivers=receivers(1, ordinal=2), source="run:8", issued_at=NOON)

    assert sorted(Coupon.objects.values_list("ordinal", flat=True)) == [1, 2]


def test_nobody_to_give_to_takes_nothing():
    terms = make_terms(planned_count=1)

    assert issue_to(terms=terms, receivers=[], source="run:7", issued_at=NOON) == []
    assert CouponBatch.objects.get().issued_count == 0
