from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.routing import Way, pick

weights = st.lists(st.integers(0, 30), min_size=1, max_size=6)


@given(weights)
def test_over_one_round_each_channel_is_picked_exactly_as_often_as_its_weight(values):
    ways = [Way(number, weight) for number, weight in enumerate(values)]

    picked = Counter(pick(ways, point) for point in range(sum(values)))

    assert picked == Counter({way.channel_id: way.weight for way in ways if way.weight})


@given(weights, st.integers(0, 10**12))
def test_any_point_picks_a_channel_with_weight_or_none_when_there_is_none(values, point):
    ways = [Way(number, weight) for number, weight in enumerate(values)]

    picked = pick(ways, point)

    assert (picked is None) == (sum(values) == 0)
    assert picked is None or values[picked] > 0


def test_no_channel_carries_nothing():
    assert pick([], 7) is None
