from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.pace import sent_by
from delivery.rules.window import day_of, is_inside

MIDNIGHT = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # 00:00 of the 20th in Shanghai
WINDOW = (480, 1260)


def test_what_does_not_fit_into_the_day_goes_on_at_the_next_opening():
    evening = MIDNIGHT + timedelta(hours=20, minutes=59)

    assert sent_by(evening, seconds=60, window=WINDOW) == MIDNIGHT + timedelta(hours=21)
    assert sent_by(evening, seconds=90, window=WINDOW) == MIDNIGHT + timedelta(days=1, hours=8, seconds=30)


def test_closed_days_are_passed_over_and_a_start_at_night_waits():
    closed = {day_of(MIDNIGHT) + timedelta(days=1)}

    assert sent_by(MIDNIGHT, seconds=5, window=WINDOW) == MIDNIGHT + timedelta(hours=8, seconds=5)
    late = MIDNIGHT + timedelta(hours=21)
    assert sent_by(late, seconds=5, window=WINDOW, closed=closed) == MIDNIGHT + timedelta(days=2, hours=8, seconds=5)


@given(start=st.integers(0, 10**6), seconds=st.integers(1, 500_000), longer=st.integers(0, 100_000))
def test_the_last_second_is_inside_the_window_and_more_never_takes_less(start, seconds, longer):
    begin = MIDNIGHT + timedelta(seconds=start)

    end = sent_by(begin, seconds=seconds, window=WINDOW)

    assert end >= begin + timedelta(seconds=seconds)
    assert is_inside(end - timedelta(seconds=1), *WINDOW)
    assert sent_by(begin, seconds=seconds + longer, window=WINDOW) >= end
