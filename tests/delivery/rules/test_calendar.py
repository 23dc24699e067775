from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.calendar import HORIZON_DAYS, closed_days, is_rest_day
from delivery.rules.window import day_of, is_inside, next_allowed

FRIDAY = date(2026, 11, 20)
MARKED = {
    date(2026, 10, 1): "HOLIDAY",  # Thursday
    date(2026, 10, 10): "WORKDAY",  # Saturday
    date(2026, 11, 23): "BLACKOUT",  # Monday
}


@pytest.mark.parametrize(
    ("day", "rests"),
    [
        (date(2026, 10, 1), True), (date(2026, 10, 10), False), (date(2026, 10, 11), True),
        (date(2026, 11, 20), False), (date(2026, 11, 21), True), (date(2026, 11, 23), False),
    ],
)  # fmt: skip
def test_rest_days_know_holidays_and_adjusted_working_days(day, rests):
    assert is_rest_day(day, MARKED) is rests


def test_what_each_rule_closes():
    any_day, work, rest = (
        closed_days(first=FRIDAY, marked=MARKED, rule=rule) for rule in ("ANY", "WORKDAYS", "RESTDAYS")
    )

    assert any_day == {date(2026, 11, 23)}
    assert date(2026, 11, 21) in work and date(2026, 11, 24) not in work and date(2026, 11, 23) in work
    assert date(2026, 11, 21) not in rest and date(2026, 11, 24) in rest and date(2026, 11, 23) in rest
    assert len(work | rest) == HORIZON_DAYS


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(lambda one: one.replace(tzinfo=UTC)),
    st.integers(0, 1200), st.integers(1, 240), st.sets(st.integers(0, 20)),
)  # fmt: skip
def test_the_next_allowed_instant_is_the_first_one(instant, start, length, offsets):
    until = min(start + length, 1320)
    if until <= max(start, 480):
        return
    closed = {day_of(instant) + timedelta(days=offset) for offset in offsets}

    found = next_allowed(instant, start, until, closed)

    assert found >= instant and is_inside(found, start, until, closed)
    assert next_allowed(found, start, until, closed) == found
    minute = timedelta(minutes=7)
    probe = instant
    while probe < found:
        assert probe == found or not is_inside(probe, start, until, closed)
        probe += minute
