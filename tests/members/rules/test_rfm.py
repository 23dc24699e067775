import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.rules.rfm import Bands, bands, lifecycle, quintile_band, recency_band


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, 5), (14, 5), (15, 4), (30, 4), (31, 3), (60, 3), (61, 2), (120, 2), (121, 1), (9_999, 1), (None, 1)],
)
def test_recency_is_banded(days, band):
    assert recency_band(days) == band


@pytest.mark.parametrize(("value", "band"), [(0, 1), (2, 1), (3, 2), (5, 2), (6, 3), (8, 3), (9, 4), (21, 5)])
def test_a_value_on_a_bound_belongs_to_the_lower_band(value, band):
    assert quintile_band(value, (2, 5, 8, 20)) == band


def test_all_three_bands_at_once():
    found = bands(
        recency_days=10,
        frequency=6,
        money_fen=99,
        frequency_bounds=(1, 2, 3, 4),
        money_bounds=(100, 200, 300, 400),
    )

    assert found == Bands(r=5, f=5, m=1)


def test_who_never_bought_is_in_the_lowest_bands():
    nothing = bands(
        recency_days=None, frequency=0, money_fen=0, frequency_bounds=(1, 2, 3, 4), money_bounds=(1, 2, 3, 4)
    )

    assert nothing == Bands(1, 1, 1)


@given(
    bounds=st.lists(st.integers(0, 10**9), min_size=4, max_size=4).map(sorted),
    low=st.integers(0, 10**9),
    more=st.integers(0, 10**9),
)
@settings(max_examples=150)
def test_bands_rise_with_value_and_fall_with_days(bounds, low, more):
    assert 1 <= quintile_band(low, bounds) <= quintile_band(low + more, bounds) <= 5
    assert 5 >= recency_band(low) >= recency_band(low + more) >= 1


@pytest.mark.parametrize(
    ("joined", "last", "count", "stage"),
    [
        (400, None, 0, "PROSPECT"),
        (5, None, 0, "PROSPECT"),
        (400, 3, 0, "PROSPECT"),
        (30, 30, 1, "NEW"),
        (31, 30, 1, "ACTIVE"),
        (None, 1, 9, "ACTIVE"),
        (400, 31, 5, "DORMANT"),
        (400, 120, 5, "DORMANT"),
        (400, 121, 5, "LOST"),
    ],
)
def test_a_member_has_one_stage(joined, last, count, stage):
    assert lifecycle(joined_days=joined, last_purchase_days=last, purchase_count=count) == stage
