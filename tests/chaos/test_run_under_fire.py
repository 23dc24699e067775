"""One run of thousands, workers killed at each fail-point and at random: nobody twice, nobody lost, always counted."""

import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from delivery.models import Channel, Dispatch, Handoff, Message, Ready
from delivery.queries.tally import TallyRow, ledger_of, tally_of
from delivery.rules.reference import reference_of
from delivery.services import receipts, sweep, unsure
from foundation import clock
from foundation.db import execute
from tests.chaos.judge import OPEN, Verdict, judge, taken_by, untold
from tests.chaos.stage import Stage
from tests.factories import NOON, add_people, make_channel, make_dispatch, mobile

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.chaos]

SCENARIO = Path(__file__).with_name("short.toml")
PEOPLE = 3_000
SPEED = 150  # a second
BATCH = 15
FAIL_POINTS = ("after_take", "after_fence", "after_accept", "after_record")
RANDOM_KILLS = 6
LONGEST_SECONDS = 100


def open_run(people: int) -> Dispatch:
    """A run through one channel."""
    make_channel(vendor="simulator", batch_size=BATCH, parts_per_second=SPEED)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(number) for number in range(people)])
    return dispatch


@pytest.fixture
def stage(tmp_path: Path, settings) -> Iterator[Stage]:
    """A stage whose business clock begins at noon; the settings of this process lead to its carrier."""
    settings.CLOCK_OFFSET_SECONDS = int((NOON - datetime.now(UTC)).total_seconds())
    with Stage(tmp_path, scenario=SCENARIO, clock_offset=settings.CLOCK_OFFSET_SECONDS) as stage:
        settings.SIMULATOR_URL = stage.carrier_url
        yield stage


def sample(dispatch: Dispatch) -> list[TallyRow]:
    """The counts, after they were found equal to the ledger and complete: invariant 1, at one instant."""
    with transaction.atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        counted, true = tally_of(dispatch_ids=[dispatch.pk]), ledger_of(dispatch_ids=[dispatch.pk])
    assert counted == true
    return counted


def left(counted: list[TallyRow]) -> int:
    """Messages that are neither sent nor ended."""
    return sum(one.message_count for one in counted if one.state in OPEN)


def run(stage: Stage, dispatch: Dispatch, *, planned: int, act: Callable[[int], None]) -> int:
    """Sample until the run is closed; `act` is told how many messages were handed over. Returns the samples."""
    until, samples = time.monotonic() + LONGEST_SECONDS, 0
    while Dispatch.objects.get(pk=dispatch.pk).closed_at is None:
        assert time.monotonic() < until, f"The run does not end: {circumstances(dispatch)}"
        counted = sample(dispatch)
        samples += 1
        assert sum(one.message_count for one in counted) == planned
        stage.tend()
        act(planned - left(counted))
        time.sleep(0.1)
    return samples


def circumstances(dispatch: Dispatch) -> list[object]:
    """What to look at when a run stands still."""
    channels = Channel.objects.values_list("state", "circuit", "circuit_since", "broken_reason")
    handoffs = Handoff.objects.exclude(state="RECORDED").values_list("state", "lease_until")
    return [clock.now(), sample(dispatch), list(channels), list(handoffs), Ready.objects.count()]


def settle(stage: Stage, dispatch: Dispatch) -> Verdict:
    """Let late receipts come, questions be answered and silent ones be given up, on the business clock; then judge."""
    until = time.monotonic() + 30
    while untold(stage.memory) and time.monotonic() < until:
        time.sleep(0.1)
    stage.stop_workers()
    begun = clock.now()
    for minutes in range(0, 120, 2):
        now = begun + timedelta(minutes=minutes)
        while receipts.merge_receipts(now=now):
            pass
        unsure.ask_due(clock=lambda now=now: now)
    sweep.sweep(now=now)
    sweep.mark_unreported(now=begun + timedelta(days=4))
    return judged(stage, dispatch)


def judged(stage: Stage, dispatch: Dispatch) -> Verdict:
    """What the vendor took against what the ledger says, now."""
    rows = Message.objects.filter(month=dispatch.month, dispatch_id=dispatch.pk).values_list("id", "state")
    ledger = {reference_of(dispatch.month, number): state for number, state in rows}
    return judge(taken=taken_by(stage.memory), ledger=ledger)


class Assassin:
    """Dooms one worker for each fail-point and kills kept ones at random, at seeded stages of the run."""

    def __init__(self, stage: Stage, *, seed: int, planned: int) -> None:
        self._stage = stage
        self._random = random.Random(seed)
        self._points = [(planned * (number + 1) // 20, name) for number, name in enumerate(FAIL_POINTS)]
        self._kills = sorted(self._random.randrange(planned // 10, planned * 8 // 10) for _kill in range(RANDOM_KILLS))
        self.kills = 0

    def __call__(self, sent: int) -> None:
        """Do what is due after `sent` messages."""
        while self._points and self._points[0][0] <= sent:
            self._stage.doom_worker(self._points.pop(0)[1])
        names = sorted(self._stage.kept)
        if self._kills and self._kills[0] <= sent and self._stage.kill_worker(self._random.choice(names)):
            self._kills.pop(0)
            self.kills += 1


@pytest.mark.timeout(200)
def test_a_run_under_fire_writes_to_nobody_twice_and_loses_nobody(stage: Stage, capsys):
    dispatch = open_run(PEOPLE)
    for name in ("worker-1", "worker-2"):
        stage.keep_worker(name)
    assassin = Assassin(stage, seed=1, planned=PEOPLE)

    samples = run(stage, dispatch, planned=PEOPLE, act=assassin)
    ends = {name: process.poll() for name, process in stage.doomed.items()}
    before = judged(stage, dispatch)
    verdict = settle(stage, dispatch)

    with capsys.disabled():
        told = f"unsure {before.unsure}, after settlement {verdict.unsure}; {samples} samples; {dict(verdict.states)}"
        sys.stdout.write(f"\nunder fire: {told}\n")
    assert verdict.broken() == []
    assert stage.surprises == []
    assert (assassin.kills, ends) == (RANDOM_KILLS, dict.fromkeys(FAIL_POINTS, -signal.SIGKILL))
    assert verdict.planned == PEOPLE
    assert set(verdict.states) <= {"DELIVERED", "UNDELIVERED", "UNREPORTED", "REFUSED", "UNSURE"}
    assert samples > 20
    assert not Ready.objects.exists()
    assert not Handoff.objects.filter(state__in=["TAKEN", "FENCED"]).exists()
    assert sum(one.message_count for one in sample(dispatch)) == PEOPLE


@pytest.mark.timeout(100)
def test_the_judge_catches_a_worker_that_sends_again_what_it_lost(stage: Stage):
    dispatch = open_run(60)
    stage.doom_worker("after_accept")
    assert stage.doomed["after_accept"].wait(timeout=60) == -signal.SIGKILL
    stage.keep_worker("worker-1", "--resend")

    run(stage, dispatch, planned=60, act=lambda sent: None)
    verdict = settle(stage, dispatch)

    assert len(verdict.doubled) == len(verdict.doubled_phones) == BATCH
    assert [one.split(":")[0] for one in verdict.broken()] == ["doubled", "doubled_phones"]
