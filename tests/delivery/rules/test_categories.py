from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.categories import (
    BREAKS_CHANNEL,
    MAX_RETRIES,
    PAUSES_DISPATCH,
    SUPPRESSES_NUMBER,
    Category,
    next_state,
    wait_before_retry,
)

TRIED_AGAIN = {"RETRY", "THROTTLE", "CHANNEL", "BALANCE", "QUOTA", "TIME", "SIGNTPL", "AWAY"}


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("retries", [1, MAX_RETRIES - 1, MAX_RETRIES, MAX_RETRIES + 1])
def test_only_what_certainly_reached_nobody_is_tried_again_and_a_message_of_its_own_fault_not_for_ever(
    category, retries
):
    again = category in TRIED_AGAIN and (category != Category.RETRY or retries < MAX_RETRIES)

    assert next_state(category, retries) == ("PLANNED" if again else "REFUSED")


def test_each_category_has_its_consequence():
    assert {"CHANNEL", "BALANCE", "QUOTA"} == BREAKS_CHANNEL
    assert {"CONTENT", "SIGNTPL"} == PAUSES_DISPATCH
    assert {"NUMBER"} == SUPPRESSES_NUMBER


@pytest.mark.parametrize(("tries", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (20, 300)])
def test_waiting_doubles_up_to_five_minutes(tries, seconds):
    assert wait_before_retry(Category.RETRY, tries, spread=0) == timedelta(seconds=seconds)


@given(st.sampled_from(Category), st.integers(1, 30), st.integers(0, 99))
def test_spread_adds_at_most_half(category, tries, spread):
    shortest = wait_before_retry(category, tries, 0)

    assert shortest <= wait_before_retry(category, tries, spread) < shortest * 1.5


def test_a_provider_that_is_closed_is_left_alone_for_half_an_hour():
    assert wait_before_retry(Category.TIME, 1, spread=50) == timedelta(minutes=30)
