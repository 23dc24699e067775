from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.routing import Way, first_choices, in_order, percents, pick

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


ways = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3), st.integers(97, 99)), max_size=5).map(
    lambda rows: [Way(number, *row) for number, row in enumerate(rows)]
)


@given(ways, st.sampled_from(["WEIGHTS", "CHEAPEST", "QUALITY"]))
def test_shares_are_how_often_the_router_asks_each_channel_first(some, policy):
    total = sum(way.weight for way in some)

    asked = Counter(in_order(some, policy=policy, point=point)[0] for point in range(total))

    assert first_choices(some, policy=policy) == asked


@given(st.dictionaries(st.integers(), st.integers(0, 10**6), max_size=8))
def test_percents_are_whole_and_add_up_and_none_is_off_by_one(counts):
    shares, total = percents(counts), sum(counts.values())

    assert sum(shares.values()) == (100 if total else 0)
    assert all(abs(share * total - counts[key] * 100) < total for key, share in shares.items())
