from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.recurrence import next_occurrence, occurrences
from delivery.rules.window import SHANGHAI

REPEATS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
instants = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2032, 12, 31), timezones=st.just(UTC))
steps = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3000))


def at(year: int, month: int, day: int, hour: int = 9, minute: int = 30) -> datetime:
    return datetime(year, month, day, hour, minute, 15, tzinfo=SHANGHAI)


def series(first: datetime, repeat: str, count: int) -> list[date]:
    found, last = [], first - timedelta(seconds=1)
    for _number in range(count):
        last = next_occurrence(first, repeat, last, None)
        found.append(last.astimezone(SHANGHAI).date())
    return found


def test_the_last_day_of_a_month_is_counted_from_the_first_occurrence():
    assert series(at(2027, 1, 31), "MONTHLY", 5) == [
        date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30), date(2027, 5, 31),
    ]  # fmt: skip
    assert series(at(2028, 1, 30), "MONTHLY", 3) == [date(2028, 1, 30), date(2028, 2, 29), date(2028, 3, 30)]
    assert series(at(2026, 11, 30), "MONTHLY", 4)[1:] == [date(2026, 12, 30), date(2027, 1, 30), date(2027, 2, 28)]


def test_the_29th_of_february_is_the_28th_in_common_years_and_comes_back():
    assert series(at(2028, 2, 29), "YEARLY", 5) == [
        date(2028, 2, 29), date(2029, 2, 28), date(2030, 2, 28), date(2031, 2, 28), date(2032, 2, 29),
    ]  # fmt: skip


def test_days_and_weeks_follow_each_other_at_the_same_wall_time():
    assert next_occurrence(at(2026, 12, 31), "DAILY", at(2026, 12, 31), None) == at(2027, 1, 1)
    assert next_occurrence(at(2026, 12, 31), "WEEKLY", at(2027, 1, 6), None) == at(2027, 1, 7)
    # 00:30 in Shanghai is still the day before in UTC.
    assert next_occurrence(at(2027, 2, 28, 0), "MONTHLY", at(2027, 3, 1), None) == at(2027, 3, 28, 0)


def test_the_first_occurrence_comes_first_and_once_is_once():
    assert next_occurrence(at(2026, 11, 20), "ONCE", at(2026, 11, 19), None) == at(2026, 11, 20)
    assert next_occurrence(at(2026, 11, 20), "ONCE", at(2026, 11, 20), None) is None
    assert next_occurrence(at(2026, 11, 20), "DAILY", at(2020, 1, 1), None) == at(2026, 11, 20)


def test_the_day_of_until_is_the_last_that_counts():
    assert next_occurrence(at(2026, 11, 20), "DAILY", at(2026, 11, 21), date(2026, 11, 22)) == at(2026, 11, 22)
    assert next_occurrence(at(2026, 11, 20), "DAILY", at(2026, 11, 22), date(2026, 11, 22)) is None
    assert next_occurrence(at(2026, 11, 20), "DAILY", at(2026, 11, 1), date(2026, 11, 19)) is None


def test_occurrences_end_with_the_last_that_has_come_and_include_the_one_they_start_from():
    first = at(2026, 11, 20)

    found = occurrences(first, "DAILY", since=at(2026, 11, 22), until_at=at(2026, 11, 24), until=date(2026, 12, 1))

    assert list(found) == [at(2026, 11, 22), at(2026, 11, 23), at(2026, 11, 24)]


@given(first=instants, step=steps, repeat=st.sampled_from(REPEATS))
def test_the_next_is_later_at_the_same_wall_time_and_nothing_lies_between(first, step, repeat):
    after = first + step

    found = next_occurrence(first, repeat, after, None)

    assert found > after
    assert found.astimezone(SHANGHAI).time() == first.astimezone(SHANGHAI).time()
    # Walking there from the start meets it, and what comes before it is not later than `after`.
    assert next_occurrence(first, repeat, found - timedelta(microseconds=1), None) == found
    assert next_occurrence(first, repeat, after + (found - after) / 2, None) == found
    longest = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}[repeat]
    assert found - after <= timedelta(days=longest)


@given(first=instants, repeat=st.sampled_from(REPEATS), count=st.integers(1, 40))
def test_asking_one_by_one_and_asking_ahead_agree(first, repeat, count):
    walked = [first]
    for _number in range(count):
        walked.append(next_occurrence(first, repeat, walked[-1], None))

    assert list(occurrences(first, repeat, since=first, until_at=walked[-1], until=None)) == walked
    assert next_occurrence(first, repeat, walked[-2], None) == walked[-1]
    assert len({one.astimezone(SHANGHAI).date() for one in walked}) == count + 1


@given(first=instants, step=steps, repeat=st.sampled_from(REPEATS), days=st.integers(0, 400))
def test_until_cuts_and_changes_nothing_else(first, step, repeat, days):
    until = first.astimezone(SHANGHAI).date() + timedelta(days=days)

    free = next_occurrence(first, repeat, first + step, None)
    bound = next_occurrence(first, repeat, first + step, until)

    assert bound == (free if free.astimezone(SHANGHAI).date() <= until else None)


@pytest.mark.parametrize("repeat", REPEATS)
def test_ten_years_ahead_is_asked_in_one_step(repeat):
    found = next_occurrence(at(2026, 1, 31), repeat, at(2036, 2, 1), None)

    assert at(2036, 2, 1) < found <= at(2037, 1, 31)
