from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.caps import DAY, WEEK, Caps, Entry, Over, verdict

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
CAPS = Caps(day_count=3, week_count=4, same_text=timedelta(hours=72))
TEXTS = [UUID(int=n) for n in range(6)]
MINUTE = timedelta(minutes=1)


def entry(ago: timedelta, text: int) -> Entry:
    return Entry(NOON - ago, TEXTS[text])


def ask(entries: list[Entry], text: int = 0) -> Over | None:
    return verdict(entries, fingerprint=TEXTS[text], now=NOON, caps=CAPS)


def test_a_phone_that_got_nothing_may_get_one():
    assert ask([]) is None


def test_the_fourth_in_a_day_waits_until_the_first_is_a_day_old():
    entries = [entry(timedelta(hours=hours), text=hours) for hours in (1, 2, 5)]

    assert ask(entries, text=4) == Over("CAP_DAY", NOON - timedelta(hours=5) + DAY)


def test_an_entry_of_exactly_a_day_ago_no_longer_counts():
    entries = [entry(DAY, 1), entry(timedelta(hours=1), 2), entry(timedelta(hours=2), 3)]

    assert ask(entries) is None
    assert ask([entry(DAY - timedelta(microseconds=1), 1), *entries[1:]]).reason == "CAP_DAY"


def test_the_fifth_in_a_week_waits_until_the_first_is_a_week_old():
    entries = [entry(timedelta(days=days), text=days - 1) for days in (2, 3, 4, 6)]

    assert ask(entries, text=0) == Over("CAP_WEEK", NOON + timedelta(days=1))


def test_the_same_text_waits_for_three_days_and_then_may_go_at_once():
    assert ask([entry(timedelta(hours=71), 0)]) == Over("SAME_TEXT", NOON + timedelta(hours=1))
    assert ask([entry(timedelta(hours=72), 0)]) is None


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_entries_does_not_matter(order):
    entries = [entry(timedelta(hours=hours), text=hours) for hours in (1, 2, 3)][::order]

    assert ask(entries, text=4).free_at == NOON + timedelta(hours=21)


wishes = st.lists(st.tuples(st.integers(1, 60 * 24), st.integers(0, 5)), max_size=40)


@given(wishes)
def test_whoever_asks_before_sending_never_goes_over_a_cap(steps):
    now, sent = NOON, []
    for minutes, text in steps:
        now += minutes * MINUTE
        lately = [one for one in sent if one.at > now - WEEK]
        if verdict(lately, fingerprint=TEXTS[text], now=now, caps=CAPS) is None:
            sent.append(Entry(now, TEXTS[text]))

    for last in sent:
        until = [one for one in sent if one.at <= last.at]
        assert sum(one.at > last.at - DAY for one in until) <= CAPS.day_count
        assert sum(one.at > last.at - WEEK for one in until) <= CAPS.week_count
        assert sum(one.at > last.at - CAPS.same_text and one.fingerprint == last.fingerprint for one in until) == 1


entries_of_a_week = st.lists(
    st.builds(entry, st.integers(0, 8 * 24 * 60).map(lambda minutes: minutes * MINUTE), st.integers(0, 5)), max_size=9
)


@given(entries_of_a_week)
def test_the_reason_named_holds_until_the_instant_named_and_not_at_it(entries):
    over = ask(entries)
    if over is None:
        return

    def reason_at(instant: datetime) -> str | None:
        later = verdict(entries, fingerprint=TEXTS[0], now=instant, caps=CAPS)
        return later.reason if later else None

    assert over.free_at > NOON
    assert reason_at(over.free_at - timedelta(microseconds=1)) is not None
    assert reason_at(over.free_at) != over.reason
