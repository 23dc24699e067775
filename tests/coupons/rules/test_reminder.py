"""When the calendar rings, and the file that says so."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.rules.reminder import at_the_start, before_the_end, calendar_file

LOCAL = timezone(timedelta(hours=8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("until", "now", "rings"),
    [
        ("2026-12-01 00:00", "2026-11-20 12:00", "2026-11-29 10:00"),  # midnight belongs to the day before
        ("2026-12-01 00:01", "2026-11-20 12:00", "2026-11-30 10:00"),
        ("2026-12-01 00:00", "2026-11-29 10:00", "2026-11-30 10:00"),  # too late for the day before
        ("2026-12-01 00:00", "2026-11-30 10:00", None),
        ("2026-11-30 09:00", "2026-11-29 18:00", None),  # ends before ten
    ],
)
def test_it_rings_the_day_before_the_last_at_ten(until, now, rings):
    assert before_the_end(until=at(until), now=at(now)) == (at(rings) if rings else None)


@pytest.mark.parametrize(
    ("begins", "rings"),
    [("2026-11-27 00:00", "2026-11-27 10:00"), ("2026-11-27 18:30", "2026-11-27 18:30")],
)
def test_a_coupon_for_later_rings_on_its_first_day_in_waking_hours(begins, rings):
    assert at_the_start(begins=at(begins)) == at(rings)


@given(st.datetimes(timezones=st.just(LOCAL), max_value=datetime(2099, 1, 1)), st.integers(1, 60 * 24 * 60))
def test_it_never_rings_before_now_or_after_the_end(now, minutes):
    until = now + timedelta(minutes=minutes)

    rings = before_the_end(until=until, now=now)

    assert rings is None or now < rings < until


def file_with(summary: str) -> str:
    return calendar_file(
        uid="coupon-1", made_at=at("2026-11-20 12:00"), at=at("2026-11-29 10:00"), summary=summary, note=""
    )


def test_the_file_says_when_in_utc():
    lines = file_with("满50减10").split("\r\n")

    assert "DTSTART:20261129T020000Z" in lines and "SUMMARY:满50减10" in lines
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2:] == ["END:VCALENDAR", ""]
    assert at("2026-11-29 10:00").astimezone(UTC).hour == 2


@given(st.text(max_size=200))
def test_no_text_breaks_out_of_its_line_and_none_is_lost(summary):
    lines = file_with(summary).split("\r\n")

    assert all(len(line.encode()) <= 75 for line in lines)
    assert [line for line in lines if line.startswith("BEGIN:")] == ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "BEGIN:VALARM"]
    whole = "\r\n".join(lines).replace("\r\n ", "")
    said = whole.split("\r\nSUMMARY:")[1].split("\r\nDESCRIPTION:")[0]
    plain = (
        said.replace("\\\\", "\x00").replace("\\;", ";").replace("\\,", ",").replace("\\n", "\n").replace("\x00", "\\")
    )
    assert plain == summary.replace("\r", "") or "\x00" in summary
