from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.receipts import GIVE_UP, match, next_look, worst
from delivery.rules.reference import parse_reference, reference_of
from delivery.rules.states import may_follow

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
RECEIPTS = [(True, "DELIVRD"), (False, "MK:0001"), (False, "UNDELIV"), (True, "0")]


@given(st.lists(st.sampled_from(RECEIPTS), min_size=1, max_size=4))
def test_the_order_of_receipts_does_not_matter(told):
    assert len({worst(list(order)) for order in permutations(told)}) == 1
    assert worst(told)[0] is all(is_delivered for is_delivered, _code in told)


@given(st.lists(st.sampled_from(RECEIPTS), min_size=1, max_size=5), st.data())
def test_however_receipts_are_split_into_batches_the_state_is_the_same(told, data):
    order = data.draw(st.permutations(told))
    cut = data.draw(st.integers(0, len(order)))
    state = "ACCEPTED"
    for batch in (order[:cut], order[cut:]):
        if batch:
            wanted = "DELIVERED" if worst(list(batch))[0] else "UNDELIVERED"
            state = wanted if may_follow(state, wanted) else state

    assert state == ("DELIVERED" if worst(told)[0] else "UNDELIVERED")


def test_unknown_receipts_are_looked_up_ever_less_often_and_given_up():
    received, now, looks = NOON, NOON, 0
    pauses = []
    while (again := next_look(received_at=received, now=now)) is not None:
        pauses.append(again - now)
        now, looks = again, looks + 1

    assert pauses == sorted(pauses) and pauses[0] == timedelta(seconds=2) and pauses[-1] == timedelta(hours=1)
    assert now - received >= GIVE_UP and looks < 120


@pytest.mark.parametrize(
    ("code", "found"),
    [("MK:0001", 1), ("MK:0099", 2), ("MK:", 2), ("M", None), ("", None), ("XX", None), ("DB:0142", 3)],
)
def test_the_longest_entry_that_fits_explains_a_code(code, found):
    assert match(code, {"MK:0001": 1, "MK:*": 2, "DB:0142": 3, "DB:*": 4}) == found


@given(st.integers(1, 9999), st.integers(1, 12), st.integers(0, 10**18 - 1))
def test_references_come_back(year, month, number):
    first = datetime(year, month, 1, tzinfo=UTC).date()

    assert parse_reference(reference_of(first, number)) == (first, number) or year < 1000


@pytest.mark.parametrize("text", ["", "202613-1", "000011-1", "2026-11-1", "202611-", "２０２６１１-1", "202611-1\n"])
def test_what_is_no_reference(text):
    assert parse_reference(text) is None
