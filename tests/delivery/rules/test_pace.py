from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.pace import bounds


@given(st.floats(0.01, 10_000), st.integers(1, 2_000), st.booleans())
def test_a_full_bucket_always_has_the_least_that_is_waited_for(rate, parts, is_urgent):
    stay, least = bounds(rate, parts, is_urgent=is_urgent)

    assert 1 <= least <= parts
    assert stay + least <= max(rate, 1)


def test_codes_wait_for_one_part_and_leave_nothing():
    assert bounds(500, 100, is_urgent=True) == (0, 1)
    assert bounds(500, 100, is_urgent=False) == (50, 50)
    assert bounds(50, 1_000, is_urgent=False) == (5, 22)
