from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.waves import WavePlan, last_offset, offset, wave_total

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
KINDS = ("NONE", "SPREAD", "SHARE", "STORE", "REGION")
MINUTE = timedelta(minutes=1)
members = st.integers(1, 2**60)


def plan(kind: str, *, room: timedelta = timedelta(hours=48), **facts) -> WavePlan:
    return WavePlan(kind=kind, begins_at=NOON, room=room, **{"count": 4, "minutes": 30} | facts)


@given(
    kind=st.sampled_from(KINDS), count=st.integers(1, 100), minutes=st.integers(0, 1440), member=members,
    rank=st.integers(0, 500),
)  # fmt: skip
def test_an_offset_is_stable_whole_minutes_and_never_beyond_the_last(kind, count, minutes, member, rank):
    asked = {"count": count, "minutes": minutes}

    found = offset(kind, **asked, member_id=member, group_rank=rank)

    assert found == offset(kind, **asked, member_id=member, group_rank=rank)
    assert found % MINUTE == timedelta(0)
    assert timedelta(0) <= found <= last_offset(kind, **asked, group_count=rank + 1)


@given(
    kind=st.sampled_from(KINDS), count=st.integers(1, 100), minutes=st.integers(0, 1440), member=members,
    rank=st.integers(0, 500), room=st.integers(1, 5000),
)  # fmt: skip
def test_nobody_is_planned_for_after_the_run_is_given_up(kind, count, minutes, member, rank, room):
    found = offset(kind, count=count, minutes=minutes, member_id=member, group_rank=rank, room=room * MINUTE)

    assert found < room * MINUTE


def test_a_spread_uses_every_minute_about_evenly():
    minutes = Counter(
        offset("SPREAD", count=3, minutes=20, member_id=member, group_rank=7) // MINUTE for member in range(60_000)
    )

    assert set(minutes) == set(range(60))
    assert min(minutes.values()) > 850 and max(minutes.values()) < 1150


def test_shares_are_about_equal_and_so_many_minutes_apart():
    waves = Counter(offset("SHARE", count=4, minutes=30, member_id=member) for member in range(40_000))

    assert sorted(waves) == [timedelta(minutes=30 * number) for number in range(4)]
    assert min(waves.values()) > 9_700 and max(waves.values()) < 10_300


@pytest.mark.parametrize(
    ("kind", "total", "last"), [("NONE", 1, 0), ("SPREAD", 120, 119), ("SHARE", 4, 90), ("STORE", 7, 180)]
)
def test_how_many_waves_there_are_and_when_the_last_begins(kind, total, last):
    asked = {"count": 4, "minutes": 30, "group_count": 7}

    assert wave_total(kind, **asked) == total
    assert last_offset(kind, **asked) == timedelta(minutes=last)


def test_a_plan_without_waves_leaves_the_instant_to_the_dispatch():
    assert plan("NONE").not_before(member_id=1, store_id=3, city="上海") is None


def test_stores_go_in_their_order_and_who_has_none_or_a_new_one_goes_last():
    stores = plan("STORE", ranks={5: 0, 3: 1, None: 2})

    waits = [stores.not_before(member_id=1, store_id=store, city="上海") for store in (5, 3, None, 99)]

    assert waits == [NOON + timedelta(minutes=minutes) for minutes in (0, 30, 60, 60)]


def test_cities_go_in_their_order_and_who_has_none_goes_last():
    cities = plan("REGION", ranks={"上海": 0, "杭州": 1, None: 2})

    waits = [cities.not_before(member_id=1, store_id=3, city=city) for city in ("上海", "杭州", "")]

    assert waits == [NOON, NOON + timedelta(minutes=30), NOON + timedelta(minutes=60)]


def test_a_late_run_packs_its_last_waves_into_the_time_that_is_left():
    stores = plan("STORE", ranks={number: number for number in range(10)}, room=timedelta(hours=1))

    waits = [stores.not_before(member_id=1, store_id=number, city="") for number in range(10)]

    assert waits == [NOON] + [NOON + timedelta(minutes=30)] * 9
