import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from delivery.rules.health import HOLD, HOLD_ALONE, ROLLING, SUDDEN, TRIAL_SHARE, Pulse, Standing, judge, share

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
STEP = timedelta(seconds=5)
GOOD = Pulse(accepted=1000, delivered=900, undelivered=100, delay_seconds=9000)


def verdict(standing: Standing, *, now: datetime = START, is_alone: bool = False, **pulses: Pulse) -> tuple[str, str]:
    sudden, rolling, trial = (pulses.get(name, Pulse()) for name in ("sudden", "rolling", "trial"))
    return judge(standing, sudden=sudden, rolling=rolling, trial=trial, is_alone=is_alone, now=now)


@pytest.mark.parametrize(
    ("pulses", "expected"),
    [
        ({}, ("CLOSED", "")),
        ({"sudden": GOOD, "rolling": GOOD}, ("CLOSED", "")),
        ({"sudden": Pulse(accepted=9, failed=10)}, ("CLOSED", "")),  # too few to tell
        ({"sudden": Pulse(accepted=9, failed=11)}, ("OPEN", "ACCEPT")),
        ({"sudden": Pulse(accepted=9, unsure=11)}, ("OPEN", "ACCEPT")),
        ({"sudden": Pulse(accepted=10, failed=10)}, ("CLOSED", "")),  # half is not less than half
        ({"rolling": Pulse(accepted=169, failed=31)}, ("OPEN", "ACCEPT")),
        ({"rolling": Pulse(accepted=170, failed=30)}, ("CLOSED", "")),
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
    assert verdict(trial, trial=Pulse(accepted=17, failed=3)) == ("CLOSED", "")
    assert verdict(trial, trial=Pulse(accepted=16, failed=4)) == ("OPEN", "TRIAL")


def test_a_channel_that_came_back_is_left_alone_for_ten_minutes():
    back, bad = Standing("CLOSED", START), Pulse(failed=500)

    assert verdict(back, now=START + HOLD - STEP, sudden=bad, rolling=bad) == ("CLOSED", "")
    assert verdict(back, now=START + HOLD, sudden=bad, rolling=bad) == ("OPEN", "ACCEPT")


def test_weights_drift_back():
    assert share(Standing("CLOSED", None), now=START) == 100
    assert share(Standing("OPEN", START), now=START) == 0
    assert share(Standing("HALF_OPEN", START), now=START) == TRIAL_SHARE
    shares = [share(Standing("CLOSED", START), now=START + HOLD * tenth / 10) for tenth in range(11)]
    assert shares == sorted(shares) and (shares[0], shares[5], shares[-1]) == (10, 55, 100)


class SimulatedChannel:
    """A channel whose minutes are recorded as the engine would, with a brown-out of its own."""

    def __init__(self, luck: random.Random, ill: tuple[datetime, datetime] | None) -> None:
        self.luck, self.ill = luck, ill
        self.standing = Standing("CLOSED", None)
        self.log: list[tuple[datetime, Pulse]] = []
        self.moves: list[tuple[datetime, str]] = []

    def carry(self, people: int, now: datetime) -> None:
        is_ill = self.ill is not None and self.ill[0] <= now < self.ill[1]
        failed = sum(self.luck.random() < (0.9 if is_ill else 0.01) for _person in range(people))
        self.log.append((now, Pulse(accepted=people - failed, failed=failed)))

    def since(self, instant: datetime) -> Pulse:
        lately = [pulse for at, pulse in self.log if at > instant]
        return Pulse(accepted=sum(p.accepted for p in lately), failed=sum(p.failed for p in lately))

    def judge(self, now: datetime) -> None:
        since = self.standing.since or now
        circuit, _why = judge(
            self.standing, sudden=self.since(now - SUDDEN), rolling=self.since(now - ROLLING), trial=self.since(since),
            is_alone=False, now=now,
        )  # fmt: skip
        if circuit != self.standing.circuit:
            self.standing = Standing(circuit, now)
            self.moves.append((now, circuit))
        self.log = [(at, pulse) for at, pulse in self.log if at > now - ROLLING]


@pytest.mark.parametrize("seed", range(5))
def test_a_day_with_brown_outs_moves_traffic_within_a_minute_and_does_not_flap(seed):
    luck = random.Random(seed)
    ill_from = START + timedelta(minutes=luck.randrange(60, 600))
    ill = (ill_from, ill_from + timedelta(minutes=luck.randrange(3, 240)))
    channels = [SimulatedChannel(luck, ill), SimulatedChannel(luck, None), SimulatedChannel(luck, None)]
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
