import random
from bisect import bisect_right
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import add, itemgetter, sub

import pytest

from delivery.rules.health import (
    HOLD,
    HOLD_ALONE,
    ROLLING,
    SUDDEN,
    TRIAL_PATIENCE,
    TRIAL_SHARE,
    Finding,
    Pulse,
    Standing,
    finding,
    judge,
    near_miss,
    share,
)

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
STEP = timedelta(seconds=10)
GOOD = Pulse(accepted=1000, delivered=900, undelivered=100, delay_seconds=9000)


def verdict(standing: Standing, *, now: datetime = START, is_alone: bool = False, **pulses: Pulse) -> tuple[str, str]:
    sudden, rolling, trial = (pulses.get(name, Pulse()) for name in ("sudden", "rolling", "trial"))
    return judge(standing, sudden=sudden, rolling=rolling, trial=trial, is_alone=is_alone, now=now)


@pytest.mark.parametrize(
    ("pulses", "expected"),
    [
        ({}, ("CLOSED", "")),
        ({"sudden": GOOD, "rolling": GOOD}, ("CLOSED", "")),
        ({"sudden": Pulse(accepted=9, failed=10, calls=3)}, ("CLOSED", "")),  # too few to tell
        ({"sudden": Pulse(accepted=9, failed=11, calls=3)}, ("OPEN", "ACCEPT")),
        ({"sudden": Pulse(failed=2000, calls=2)}, ("CLOSED", "")),  # two calls are no habit
        ({"sudden": Pulse(accepted=9, unsure=11, calls=3)}, ("OPEN", "ACCEPT")),
        ({"sudden": Pulse(accepted=10, failed=10, calls=3)}, ("CLOSED", "")),  # half is not less than half
        ({"rolling": Pulse(accepted=169, failed=31, calls=3)}, ("OPEN", "ACCEPT")),
        ({"rolling": Pulse(accepted=170, failed=30, calls=3)}, ("CLOSED", "")),
        ({"rolling": Pulse(accepted=500, delivered=119, undelivered=81)}, ("OPEN", "DELIVERY")),
        ({"rolling": Pulse(accepted=500, delivered=200, delay_seconds=200 * 1801)}, ("OPEN", "DELAY")),
        ({"rolling": Pulse(accepted=500, delivered=200, delay_seconds=200 * 1800)}, ("CLOSED", "")),
    ],
)
def test_a_channel_in_traffic_is_judged_by_its_last_minute_and_its_last_ten(pulses, expected):
    assert verdict(Standing("CLOSED", None), **pulses) == expected


def test_a_broken_channel_waits_ten_minutes_or_one_when_nobody_else_can_carry():
    broken = Standing("OPEN", START)

    for is_alone, hold in ((False, HOLD), (True, HOLD_ALONE)):
        assert verdict(broken, now=START + hold - STEP, is_alone=is_alone) == ("OPEN", "")
        assert verdict(broken, now=START + hold, is_alone=is_alone) == ("HALF_OPEN", "")


def test_a_trial_decides_after_enough_tries():
    trial = Standing("HALF_OPEN", START)

    assert verdict(trial, trial=Pulse(accepted=19)) == ("HALF_OPEN", "")
    assert verdict(trial, trial=Pulse(accepted=17, failed=3, delivered=12, undelivered=8)) == ("CLOSED", "")
    assert verdict(trial, trial=Pulse(accepted=16, failed=4)) == ("OPEN", "TRIAL")
    assert verdict(trial, trial=Pulse(accepted=40, delivered=11, undelivered=9)) == ("OPEN", "TRIAL")
    assert verdict(trial, trial=Pulse(accepted=40, delivered=20, delay_seconds=20 * 1801)) == ("OPEN", "TRIAL")


def test_a_trial_waits_for_receipts_but_not_for_ever_and_not_when_nobody_else_can_carry():
    trial, silent = Standing("HALF_OPEN", START), Pulse(accepted=40, delivered=19)

    assert verdict(trial, now=START + TRIAL_PATIENCE - STEP, trial=silent) == ("HALF_OPEN", "")
    assert verdict(trial, now=START + TRIAL_PATIENCE, trial=silent) == ("CLOSED", "")
    assert verdict(trial, now=START + STEP, trial=silent, is_alone=True) == ("CLOSED", "")


def test_a_channel_that_came_back_is_left_alone_for_ten_minutes():
    back, bad = Standing("CLOSED", START), Pulse(failed=500, calls=5)

    assert verdict(back, now=START + HOLD - STEP, sudden=bad, rolling=bad) == ("CLOSED", "")
    assert verdict(back, now=START + HOLD, sudden=bad, rolling=bad) == ("OPEN", "ACCEPT")


def test_weights_drift_back():
    assert share(Standing("CLOSED", None), now=START) == 100
    assert share(Standing("OPEN", START), now=START) == 0
    assert share(Standing("HALF_OPEN", START), now=START) == TRIAL_SHARE
    shares = [share(Standing("CLOSED", START), now=START + HOLD * tenth / 10) for tenth in range(11)]
    assert shares == sorted(shares) and (shares[0], shares[5], shares[-1]) == (10, 55, 100)


class SimulatedChannel:
    """A channel whose minutes are recorded as the engine would, with a brown-out of its own and of some kind."""

    def __init__(self, luck: random.Random, ill: tuple[datetime, datetime] | None, kind: str = "ACCEPT") -> None:
        self.luck, self.ill, self.kind = luck, ill, kind
        self.standing = Standing("CLOSED", None)
        self.totals = [(datetime.min.replace(tzinfo=UTC), (0,) * len(fields(Pulse)))]  # everything until then
        self.moves: list[tuple[datetime, str]] = []

    def carry(self, people: int, now: datetime) -> None:
        if not people:
            return
        is_ill = self.ill is not None and self.ill[0] <= now < self.ill[1]
        bad, lost = (self._some(people, share) for share in self._shares(is_ill))
        is_unsure = self.kind == "UNSURE"
        pulse = (
            people - bad, 0 if is_unsure else bad, bad if is_unsure else 0, people - lost, lost,
            people * (5_000 if is_ill and self.kind == "DELAY" else 9), 1,
        )  # fmt: skip
        self.totals.append((now, tuple(map(add, self.totals[-1][1], pulse))))

    def _shares(self, is_ill: bool) -> tuple[float, float]:
        """How many are not accepted, and how many are not delivered."""
        if not is_ill or self.kind == "DELAY":
            return 0.01, 0.1
        return (0.01, 0.9) if self.kind == "DELIVERY" else (0.9, 0.1)

    def _some(self, people: int, share: float) -> int:
        drawn = self.luck.gauss(people * share, (people * share * (1 - share)) ** 0.5)
        return min(max(round(drawn), 0), people)

    def since(self, instant: datetime) -> Pulse:
        before = self.totals[bisect_right(self.totals, instant, key=itemgetter(0)) - 1][1]
        return Pulse(*map(sub, self.totals[-1][1], before))

    def judge(self, now: datetime) -> None:
        since = self.standing.since or now
        circuit, _why = judge(
            self.standing, sudden=self.since(now - SUDDEN), rolling=self.since(now - ROLLING), trial=self.since(since),
            is_alone=False, now=now,
        )  # fmt: skip
        if circuit != self.standing.circuit:
            self.standing = Standing(circuit, now)
            self.moves.append((now, circuit))


@pytest.mark.parametrize("kind", ["ACCEPT", "UNSURE", "DELIVERY", "DELAY"])
@pytest.mark.parametrize("seed", range(2))
def test_a_day_with_brown_outs_moves_traffic_within_a_minute_and_does_not_flap(seed, kind):
    luck = random.Random(seed)
    ill_from = START + timedelta(minutes=luck.randrange(60, 600))
    ill = (ill_from, ill_from + timedelta(minutes=luck.randrange(3, 240)))
    channels = [SimulatedChannel(luck, ill, kind), SimulatedChannel(luck, None), SimulatedChannel(luck, None)]
    now, per_step = START, 300

    while now < START + timedelta(hours=24):
        shares = [share(one.standing, now=now) for one in channels]
        for one, part in zip(channels, shares, strict=True):
            one.carry(per_step * part // sum(shares), now)
            one.judge(now)
        now += STEP

    sick, *healthy = channels
    assert [one.moves for one in healthy] == [[], []]
    left, came_back = sick.moves[0], sick.moves[-1]
    assert left[1] == "OPEN" and timedelta(0) <= left[0] - ill[0] <= timedelta(seconds=60)
    assert came_back[1] == "CLOSED" and came_back[0] >= ill[1] and came_back[0] - left[0] >= HOLD
    # In between it was tried, not used: it never carried more than a trial's share.
    assert {circuit for _at, circuit in sick.moves[:-1]} <= {"OPEN", "HALF_OPEN"}
    opens = [at for at, circuit in sick.moves if circuit == "OPEN"]
    assert all(later - earlier >= HOLD for earlier, later in pairwise(opens))


WELL = Pulse(accepted=500, delivered=490, undelivered=10, delay_seconds=2_500, calls=5)
WEAK = Pulse(accepted=500, delivered=440, undelivered=60, delay_seconds=2_500, calls=5)  # 88 %
SLOW = Pulse(accepted=500, delivered=500, delay_seconds=500 * 301, calls=5)
LOST = Pulse(accepted=500, delivered=100, undelivered=400, calls=5)  # 20 %
RARE = Pulse(accepted=40, delivered=10, undelivered=20, calls=5)  # 33 %, of thirty receipts


def missed(sudden: Pulse, rolling: Pulse, *, since: datetime | None = None) -> tuple[str, Finding] | None:
    return near_miss(Standing("CLOSED", since), sudden=sudden, rolling=rolling, now=START)


@pytest.mark.parametrize(
    ("sudden", "rolling", "expected"),
    [
        (WELL, WELL, None),
        (Pulse(), Pulse(), None),
        (WEAK, WELL, ("ABOVE", Finding("DELIVERY", 1, 88, 40, 500))),
        (WELL, WEAK, ("ABOVE", Finding("DELIVERY", 10, 88, 60, 500))),
        (SLOW, SLOW, ("ABOVE", Finding("DELAY", 1, 301, 3600, 500))),
        (Pulse(accepted=188, failed=12, calls=3), WELL, ("ABOVE", Finding("ACCEPT", 1, 94, 50, 200))),
        (Pulse(), RARE, ("FEW", Finding("DELIVERY", 10, 33, 60, 30))),
        (Pulse(), Pulse(delivered=5, undelivered=14), None),  # nineteen are chance
        (LOST, LOST, None),  # this one is switched
    ],
)
def test_what_is_seen_and_left_is_told_beside_the_line_of_the_switch(sudden, rolling, expected):
    assert missed(sudden, rolling) == expected


def test_a_channel_that_came_back_is_told_of_while_it_is_left_alone_and_a_broken_one_is_not():
    bad = ("HELD", Finding("DELIVERY", 1, 20, 40, 500))

    assert missed(LOST, LOST, since=START - HOLD + STEP) == bad
    assert missed(LOST, LOST, since=START - HOLD) is None
    assert near_miss(Standing("OPEN", START), sudden=LOST, rolling=LOST, now=START) is None
    assert near_miss(Standing("HALF_OPEN", START), sudden=WEAK, rolling=WEAK, now=START) is None


@pytest.mark.parametrize("since", [None, START - HOLD + STEP, START - HOLD])
@pytest.mark.parametrize("rolling", [WELL, WEAK, SLOW, LOST, RARE])
@pytest.mark.parametrize("sudden", [WELL, WEAK, SLOW, LOST, RARE])
def test_what_is_switched_is_no_near_miss_and_has_its_numbers(sudden, rolling, since):
    circuit, why = verdict(Standing("CLOSED", since), sudden=sudden, rolling=rolling)
    found = finding(sudden=sudden, rolling=rolling)

    if circuit == "OPEN":
        assert missed(sudden, rolling, since=since) is None
        assert found is not None and found.what == why
