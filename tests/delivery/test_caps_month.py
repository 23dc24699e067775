"""Twenty campaigns and an API at one set of phones for a month: in no window does anybody get too much."""

import random
from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from delivery.models import CapPolicy
from delivery.port import Person
from delivery.rules.categories import Category
from delivery.rules.window import is_inside
from delivery.services import gate
from tests.delivery.ledgers import pump_all
from tests.factories import add_people, make_channel, make_dispatch, make_version, mobile
from tests.fakes.provider import FakeProvider, accept, ambiguous, refuse_phone

pytestmark = pytest.mark.usefixtures("committed")

START = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
PHONES = [mobile(n) for n in range(25)]
DAY, WEEK, SAME = timedelta(hours=24), timedelta(days=7), timedelta(hours=72)


class Month:
    """The month as a provider saw it: who was written to when, and with which text."""

    def __init__(self, provider: FakeProvider, seed: int) -> None:
        self.luck, self.provider = random.Random(seed), provider
        self.now = START
        self.heard: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        provider.default = self.answer

    def answer(self, people: list[Person]) -> list:
        """Takes most; some calls break off, some numbers are refused and must give their slot back."""
        fate = self.luck.random()
        results = ambiguous(people) if fate < 0.05 else accept(people)
        if fate > 0.9:
            results = refuse_phone(people[0].phone, Category.NUMFREQ)(people)
        for person, result in zip(people, results, strict=True):
            if type(result).__name__ != "Refused":
                self.heard[person.phone].append((self.now, person.text))
        return results

    def play(self) -> None:
        make_channel(batch_size=10)
        texts = [make_version(f"第{number}档活动，全场八折。") for number in range(8)]
        busy_days = [self.luck.randrange(28) for _day in range(4)]  # everybody has the same festival in mind
        due = [(24 * self.luck.choice(busy_days) + self.luck.randrange(12), "campaign") for _campaign in range(20)]
        due += [(self.luck.randrange(28 * 24), "api") for _call in range(60)]
        due.sort()
        for hour in range(30 * 24):
            self.now = START + timedelta(hours=hour, minutes=self.luck.randrange(60))
            while due and due[0][0] <= hour:
                self.open(due.pop(0)[1], self.luck.choice(texts))
            if is_inside(self.now, 480, 1260) and (hour % 3 == 0 or not due):
                pump_all(now=self.now)

    def open(self, kind: str, version) -> None:
        policy = self.luck.choice([CapPolicy.DEFER, CapPolicy.EXCLUDE])
        phones = PHONES if kind == "campaign" else [self.luck.choice(PHONES)]
        dispatch = make_dispatch(now=self.now, cap_policy=policy, expires_at=self.now + timedelta(days=9))
        add_people(dispatch, phones, version=version)


def most_in(instants: list[datetime], window: timedelta) -> int:
    """The most of sorted instants in any half-open window of this length."""
    return max((bisect_right(instants, at) - bisect_right(instants, at - window) for at in instants), default=0)


def worst(month: Month) -> tuple[int, int, int]:
    """The most that any phone got in a day, in a week, and of one text in three days."""
    by_phone = [[at for at, _text in heard] for heard in month.heard.values()]
    by_text = defaultdict(list)
    for phone, heard in month.heard.items():
        for at, text in heard:
            by_text[phone, text].append(at)
    return (
        max(most_in(instants, DAY) for instants in by_phone),
        max(most_in(instants, WEEK) for instants in by_phone),
        max(most_in(instants, SAME) for instants in by_text.values()),
    )


def test_nobody_gets_more_than_the_caps_allow_in_any_window(provider: FakeProvider):
    month = Month(provider, seed=1)

    month.play()

    assert worst(month) == (3, 4, 1)  # reached, so the caps were at work, and never exceeded
    assert sum(map(len, month.heard.values())) > 150


def test_negative_control_without_slots_the_caps_are_exceeded(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "_take_slots", lambda passing, now: None)
    month = Month(provider, seed=1)

    month.play()

    day, week, same = worst(month)
    assert day > 3 and week > 4 and same > 1
