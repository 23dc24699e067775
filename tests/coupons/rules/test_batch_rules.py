import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.rules.discount import Terms, discount_fen
from coupons.rules.forecast import expected_uses, largest_saving_fen
from coupons.rules.oddity import FEWEST_UNDOS, FEWEST_USES, StoreUse, busy_outliers, undo_outliers

counts = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("daily", "days_left", "expected"),
    [([], 5, None), ([10], 5, 150), ([10, 20], 1, 115), ([900] + [7] * 7, 2, 114), ([10], 0, 100), ([10], -3, 100)],
)
def test_the_pace_is_the_mean_of_the_last_seven_whole_days(daily, days_left, expected):
    assert expected_uses(daily=daily, used=100, unused=1_000, days_left=days_left) == expected


@given(daily=st.lists(counts, min_size=1), used=counts, unused=counts, days_left=st.integers(-9, 400))
def test_never_more_are_expected_than_there_are_nor_fewer_than_were_used(daily, used, unused, days_left):
    assert used <= expected_uses(daily=daily, used=used, unused=unused, days_left=days_left) <= used + unused


@given(
    kind=st.sampled_from(["CASH", "DISCOUNT", "EXCHANGE"]), face=counts, cap=st.integers(1, 10**6), ticket=counts,
    percent=st.integers(0, 10_000),
)  # fmt: skip
def test_no_coupon_takes_off_more_than_the_largest_saving(kind, face, cap, ticket, percent):
    terms = Terms(kind, face, percent, cap, 0)

    assert discount_fen(terms=terms, eligible_fen=ticket) <= largest_saving_fen(kind=kind, face_fen=face, cap_fen=cap)


def test_a_store_that_undoes_far_more_stands_out_and_a_few_undos_do_not():
    usual = [StoreUse(number, 1_000, 1) for number in range(20)]
    odd, few = StoreUse(90, 60, FEWEST_UNDOS), StoreUse(91, 10, FEWEST_UNDOS - 1)

    assert undo_outliers([*usual, odd, few]) == [odd]
    assert undo_outliers([StoreUse(1, 10, 10)]) == []


def test_a_store_stands_out_only_beside_enough_others_and_with_enough_of_its_own():
    usual = [StoreUse(number, 10, 0) for number in range(6)]
    odd = StoreUse(90, 51, 0)

    assert busy_outliers([*usual, odd]) == [odd]
    assert busy_outliers([*usual, StoreUse(90, 50, 0)]) == []
    assert busy_outliers([usual[0], odd]) == []
    assert busy_outliers([StoreUse(number, 1, 0) for number in range(6)] + [StoreUse(90, FEWEST_USES - 1, 0)]) == []
