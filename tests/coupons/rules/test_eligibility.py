from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.rules.eligibility import RETRYABLE, Refusal, Situation, refusal_of

NOON = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FINE = Situation(
    now=NOON,
    store_id=7,
    valid_from=NOON - SECOND,
    valid_until=NOON + SECOND,
    is_void=False,
    batch_is_active=True,
    uses_count=0,
    max_uses=1,
    store_ids=frozenset({7, 8}),
    min_spend_fen=5_000,
    requires_amount=True,
    ticket_fen=5_000,
)


# In the order in which the evaluator asks.
FAULTS = {
    Refusal.VOID: {"is_void": True},
    Refusal.ALREADY_REDEEMED: {"uses_count": 1},
    Refusal.NOT_YET_VALID: {"valid_from": NOON + SECOND},
    Refusal.EXPIRED: {"valid_until": NOON},
    Refusal.BATCH_PAUSED: {"batch_is_active": False},
    Refusal.WRONG_STORE: {"store_id": 9},
    Refusal.MIN_SPEND: {"ticket_fen": 4_999},
}


def test_a_coupon_in_order_is_not_refused():
    assert refusal_of(FINE) is None


@pytest.mark.parametrize(("refusal", "fault"), FAULTS.items())
def test_each_fault_has_its_reason(refusal, fault):
    assert refusal_of(replace(FINE, **fault)) is refusal


@given(faults=st.sets(st.sampled_from(list(FAULTS)), min_size=1))
@settings(max_examples=130)
def test_of_several_faults_the_first_is_named(faults):
    situation = FINE
    for refusal in faults:
        situation = replace(situation, **FAULTS[refusal])

    assert refusal_of(situation) is next(refusal for refusal in FAULTS if refusal in faults)


def test_the_window_is_half_open():
    assert refusal_of(replace(FINE, valid_from=NOON)) is None
    assert refusal_of(replace(FINE, now=FINE.valid_until)) is Refusal.EXPIRED


def test_an_empty_list_of_stores_means_every_store():
    assert refusal_of(replace(FINE, store_ids=frozenset(), store_id=99)) is None


def test_an_unknown_ticket_counts_as_too_small_only_where_the_amount_is_required():
    assert refusal_of(replace(FINE, ticket_fen=None)) is Refusal.MIN_SPEND
    assert refusal_of(replace(FINE, ticket_fen=None, min_spend_fen=0)) is Refusal.MIN_SPEND
    assert refusal_of(replace(FINE, ticket_fen=None, requires_amount=False)) is None
    assert refusal_of(replace(FINE, ticket_fen=4_999, requires_amount=False)) is Refusal.MIN_SPEND


def test_every_reason_says_whether_another_try_may_work():
    assert set(RETRYABLE) == set(Refusal)
    assert RETRYABLE[Refusal.RATE_LIMITED] is True
    assert RETRYABLE[Refusal.ALREADY_REDEEMED] is False
    assert all(refusal == refusal.name for refusal in Refusal)
