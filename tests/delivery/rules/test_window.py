from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.window import (
    HARD_START_MINUTE,
    HARD_STOP_MINUTE,
    hours_of,
    is_inside,
    minute_of_day,
    month_after,
    month_of,
    next_allowed,
)

DAY = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # midnight of 20 November in Shanghai
instants = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))
windows = st.tuples(st.integers(0, 1319), st.integers(1, 1320)).filter(
    lambda window: hours_of(*window)[0] < hours_of(*window)[1]
)


@pytest.mark.parametrize(
    ("minute", "inside"),
    [(479, False), (480, True), (1259, True), (1260, False), (0, False), (1439, False)],
)
def test_the_window_is_half_open(minute, inside):
    assert is_inside(DAY + timedelta(minutes=minute), 480, 1260) is inside


def test_nothing_leaves_before_eight_in_the_morning_whatever_the_window_says():
    assert not is_inside(DAY + timedelta(minutes=479, seconds=59), 0, 1440)
    assert is_inside(DAY + timedelta(minutes=480), 0, 1440)
    assert next_allowed(DAY + timedelta(hours=6), 360, 1260) == DAY + timedelta(hours=8)


def test_nothing_leaves_at_ten_at_night_whatever_the_window_says():
    assert is_inside(DAY + timedelta(minutes=1319, seconds=59), 0, 1440)
    assert not is_inside(DAY + timedelta(minutes=1320), 0, 1440)


@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        (DAY + timedelta(hours=3), DAY + timedelta(hours=8)),
        (DAY + timedelta(hours=12, seconds=7), DAY + timedelta(hours=12, seconds=7)),
        (DAY + timedelta(hours=21), DAY + timedelta(hours=32)),
        (DAY + timedelta(hours=23, minutes=59), DAY + timedelta(hours=32)),
    ],
)
def test_outside_the_window_the_next_opening_is_told(instant, allowed):
    assert next_allowed(instant, 480, 1260) == allowed


@given(instants, windows)
def test_the_next_allowed_instant_is_inside_and_the_first(instant, window):
    allowed = next_allowed(instant, *window)

    assert is_inside(allowed, *window)
    assert timedelta(0) <= allowed - instant < timedelta(days=1)
    if allowed > instant:
        assert minute_of_day(allowed) == hours_of(*window)[0]
        assert not is_inside(allowed - timedelta(seconds=1), *window)


@given(instants)
def test_the_night_is_closed_for_every_window(instant):
    by_day = HARD_START_MINUTE <= minute_of_day(instant) < HARD_STOP_MINUTE
    assert is_inside(instant, 0, 1440) is by_day


def test_the_month_is_that_of_shanghai():
    assert month_of(datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == date(2026, 12, 1)
    assert month_of(datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == date(2026, 11, 1)


@given(instants)
def test_months_follow_one_another(instant):
    month = month_of(instant)

    assert month.day == month_after(month).day == 1
    assert (month_after(month).year * 12 + month_after(month).month) - (month.year * 12 + month.month) == 1
