"""A run of the whole stack under kill -9: who is killed when, what is seen meanwhile, what is true in the end."""

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from django.db import DatabaseError, InterfaceError, connection, transaction

from console.embedded import postgres, valkey
from console.embedded.files import read_json
from console.embedded.place import Place
from delivery.models import Dispatch, DispatchState, Handoff, Message, Ready, UnsureMessage
from delivery.queries.tally import ledger_of, tally_of
from delivery.rules.reference import reference_of
from delivery.services import sweep
from foundation import clock
from foundation.db import execute
from tests.chaos.crowd import announce, gather, set_speed
from tests.chaos.judge import OPEN, judge, taken_by, untold

SAMPLE_SECONDS = 2.0
PARTS = ("bulk", "bulk", "bulk", "inbound", "clock", "background", "urgent", "beat", "web", "valkey")
WORKERS = frozenset({"bulk", "inbound", "clock", "background", "urgent"})
FIRST = ("beat", "valkey", "web", "bulk")  # are killed at least once each
RESTART_AT = 50  # percent sent, when PostgreSQL is restarted
STALLED_SECONDS = 300.0
SETTLE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen at one instant."""

    counts: dict[str, int]
    is_true: bool
    is_closed: bool
    is_filled: bool
    unsure: int

    @property
    def planned(self) -> int:
        """All messages of the run."""
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """Messages that are neither sent nor ended."""
        return sum(count for state, count in self.counts.items() if state in OPEN)


class Siege:
    """One campaign to `people`, and `kills` over its course. `folder` is the state folder of the stack."""

    def __init__(self, *, folder: Path, people: int, kills: int, seed: int) -> None:
        self._place = Place(folder)
        self._memory = folder / "simulator.sqlite3"
        self._people = people
        self._random = random.Random(seed)
        span = range(people * 3 // 100, people * 95 // 100)
        self._moments = sorted(self._random.choices(span, k=kills))
        self._names = [*FIRST, *self._random.choices(PARTS, k=max(0, kills - len(FIRST)))][:kills]
        self._restart_at: int | None = people * RESTART_AT // 100
        self._killed: list[str] = []
        self._broken: list[str] = []
        self._samples = self._blind = 0
        self._begun = time.monotonic()

    def run(self, *, speed: int) -> int:
        """Send, kill, settle, judge; returns the exit code."""
        gather(self._people)
        set_speed(speed)
        announce()
        self._say(event="begun", people=self._people, speed=speed)
        self._begun = time.monotonic()
        if self._watch_sending():
            sent_seconds = int(time.monotonic() - self._begun)
            self._watch_settling()
            self._close_books(sent_seconds)
        self._say(event="end", broken=self._broken)
        return 1 if self._broken else 0

    def _watch_sending(self) -> bool:
        """Whether the run came to its end."""
        best, moved_at = -1, time.monotonic()
        while True:
            seen = self._sample()
            if seen is not None:
                done = seen.planned - seen.left
                if done > best:
                    best, moved_at = done, time.monotonic()
                if seen.is_closed:
                    return True
                self._strike(done)
            if time.monotonic() - moved_at > STALLED_SECONDS:
                self._broken.append(f"stalled: nothing moved for {STALLED_SECONDS:.0f} s after {best}")
                return False
            time.sleep(SAMPLE_SECONDS)

    def _watch_settling(self) -> None:
        until = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < until:
            seen = self._sample()
            if seen is not None and not seen.unsure and not untold(self._memory):
                return
            time.sleep(SAMPLE_SECONDS)

    def _sample(self) -> Sight | None:
        """Look at one instant and write down what is false; None while the database is away."""
        try:
            seen = self._look()
        except (DatabaseError, InterfaceError):
            connection.close()
            self._blind += 1
            return None
        self._samples += 1
        if not seen.is_true:
            self._broken.append(f"sample {self._samples}: tally is not ledger")
        if seen.is_filled and seen.planned != self._people:
            self._broken.append(f"sample {self._samples}: {seen.planned} planned of {self._people}")
        self._say(event="sample", counts=seen.counts, is_true=seen.is_true, untold=untold(self._memory))
        return seen

    def _look(self) -> Sight:
        with transaction.atomic():
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            dispatches = list(Dispatch.objects.order_by("id"))
            ids = [one.pk for one in dispatches]
            counted, true = tally_of(dispatch_ids=ids), ledger_of(dispatch_ids=ids)
            unsure = UnsureMessage.objects.count()
        counts: dict[str, int] = {}
        for one in counted:
            counts[one.state] = counts.get(one.state, 0) + one.message_count
        return Sight(
            counts=counts, is_true=counted == true,
            is_closed=bool(dispatches) and all(one.closed_at is not None for one in dispatches),
            is_filled=bool(dispatches) and all(one.state != DispatchState.FILLING for one in dispatches),
            unsure=unsure,
        )  # fmt: skip

    def _strike(self, done: int) -> None:
        if self._restart_at is not None and done >= self._restart_at:
            self._restart_at = None
            running = postgres.find(self._place)
            assert running is not None
            postgres.stop(running)  # `up` starts it again
            self._killed.append("postgres (restart)")
            self._say(event="restart", part="postgres")
        while self._moments and self._moments[0] <= done:
            self._moments.pop(0)
            self._kill(self._names[len(self._names) - len(self._moments) - 1])

    def _kill(self, name: str) -> None:
        # Who is down already can't be killed: another one is, so that every kill is one.
        up = ((one, pid) for one in (name, *PARTS) if (pid := self._pid_of(one)) is not None)
        name, pid = next(up)
        children = psutil.Process(pid).children() if name in WORKERS else []
        if children and self._random.random() < 0.5:
            pid, name = self._random.choice(children).pid, f"{name} child"
        os.kill(pid, signal.SIGKILL)
        self._killed.append(name)
        self._say(event="kill", part=name, pid=pid)

    def _pid_of(self, name: str) -> int | None:
        if name == "valkey":
            broker = valkey.find(self._place)
            return broker.pid if broker else None
        for part in read_json(self._place.supervisor).get("parts", []):
            if part["name"] == name and psutil.pid_exists(part["pid"]):
                return int(part["pid"])
        return None

    def _close_books(self, sent_seconds: int) -> None:
        """The last silent ones are given up, as after three days; then everybody has a final state, or is unsure."""
        sweep.mark_unreported(now=clock.now() + timedelta(days=4))
        ledger = {
            reference_of(month, number): state
            for month, number, state in Message.objects.values_list("month", "id", "state").iterator()
        }
        verdict = judge(taken=taken_by(self._memory), ledger=ledger)
        self._broken += verdict.broken()
        if verdict.states.get("ACCEPTED"):
            self._broken.append(f"without a final state: {verdict.states['ACCEPTED']}")
        if verdict.planned != self._people:
            self._broken.append(f"{verdict.planned} messages for {self._people} people")
        if Ready.objects.exists() or Handoff.objects.filter(state__in=["TAKEN", "FENCED"]).exists():
            self._broken.append("the queue is not empty")
        if self._moments or self._restart_at is not None:
            self._broken.append(f"{len(self._moments)} kills were left over")
        self._say(
            event="verdict", states=dict(verdict.states), unsure=verdict.unsure, unsure_bp=verdict.unsure_bp,
            kills=len(self._killed), killed=sorted(self._killed), samples=self._samples, blind=self._blind,
            sent_seconds=sent_seconds,
        )  # fmt: skip

    def _say(self, **facts: Any) -> None:
        line = {"at": round(time.monotonic() - self._begun, 1)} | facts
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
