import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules import comparison
from campaigns.rules.comparison import FEWEST, Difference, Share, difference_of

shares = st.integers(FEWEST, 10**7).flatmap(
    lambda of: st.integers(0, of).map(lambda count: Share(count, of)),
)  # fmt: skip


def test_the_interval_is_the_one_that_was_published(monkeypatch):
    """Newcombe 1998, table II, method 10: 56/70 − 48/80 has 0.0524 to 0.3339."""
    monkeypatch.setattr(comparison, "FEWEST", 70)

    found = difference_of(Share(56, 70), Share(48, 80))

    assert found is not None
    assert (found.points, found.low, found.high) == (2_000, 524, 3_339)
    assert found.is_clear


@pytest.mark.parametrize(("first", "second"), [((9, 99), (10, 1_000)), ((10, 1_000), (9, 99)), ((0, 0), (0, 0))])
def test_nothing_is_concluded_from_too_few(first, second):
    assert difference_of(Share(*first), Share(*second)) is None


def test_the_same_share_twice_tells_nobody_apart():
    same = difference_of(Share(120, 1_000), Share(120, 1_000))

    assert same is not None
    assert (same.points, same.is_clear) == (0, False)


@given(first=shares, second=shares)
def test_the_estimate_lies_in_its_interval_and_the_order_only_turns_the_sign(first, second):
    there, back = difference_of(first, second), difference_of(second, first)

    assert there is not None and back is not None
    assert -10_000 <= there.low <= there.points <= there.high <= 10_000
    assert (back.points, back.low, back.high) == (-there.points, -there.high, -there.low)


@pytest.mark.parametrize(
    ("low", "high", "clear"), [(1, 9, True), (-9, -1, True), (0, 9, False), (-9, 0, False), (-1, 1, False)]
)
def test_an_interval_that_touches_zero_is_not_clear(low, high, clear):
    assert Difference(0, low, high).is_clear is clear
