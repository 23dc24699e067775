"""
Sending in a virtual world: the real pump on whatever tables the connection sees, with a clock, a pace and a
provider that exist only in this process.
"""

import heapq
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Min

from delivery import registry
from delivery.adapters.simulator.carrier import Carrier
from delivery.adapters.simulator.inside import InsideSimulator
from delivery.adapters.simulator.scenario import Scenario
from delivery.models import Channel, Dispatch, Ready
from delivery.rules.pace import bounds
from delivery.services import circuits, pump, receipts, sweep

VENDOR = "rehearsal"
PROBE_EVERY = timedelta(minutes=1)
SWEEP_EVERY = timedelta(seconds=5)
CALL_SECONDS = 0.25  # what a provider takes for a call, and how many calls the bulk lane makes at once
WORKERS = 4


class VirtualClock:
    """An instant that moves when somebody waits."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """The present."""
        return self.now

    def seconds(self) -> float:
        """The present as a carrier asks for it."""
        return self.now.timestamp()


class VirtualPacer:
    """Token buckets as `pacing` has them, filled by a virtual clock; waiting moves the clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._buckets: dict[int, tuple[float, datetime]] = {}

    def reserve(
        self, *, channel: Channel, parts: int, percent: int = 100, is_urgent: bool = False
    ) -> tuple[int, float]:
        """See `pacing.reserve`."""
        rate = channel.parts_per_second * percent / 100
        stay, least = bounds(rate, parts, is_urgent=is_urgent)
        level = self._level(channel.pk, rate)
        granted = min(parts, int(level - stay)) if level - stay >= least else 0
        self._buckets[channel.pk] = (level - granted, self._clock.now)
        return granted, 0.0 if granted else (stay + least - level) / rate

    def _level(self, channel_id: int, rate: float) -> float:
        level, at = self._buckets.get(channel_id, (max(rate, 1.0), self._clock.now))
        return min(max(rate, 1.0), level + max(0.0, (self._clock.now - at).total_seconds()) * rate)

    def charge(self, *, channel: Channel, parts: int) -> None:
        """See `pacing.charge`."""
        level, at = self._buckets.get(channel.pk, (float(channel.parts_per_second), self._clock.now))
        self._buckets[channel.pk] = (level - parts, at)

    def slow_down(self, *, channel: Channel) -> None:
        """See `pacing.slow_down`."""
        self.charge(channel=channel, parts=2 * channel.parts_per_second)

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self._clock.now += timedelta(seconds=seconds)


@dataclass
class Played:
    """What a rehearsal saw. The delay is how long a notice would have waited for room beside the bulk, at worst."""

    first_at: datetime | None = None
    last_at: datetime | None = None
    message_count: int = 0
    worst_urgent_seconds: float = 0.0


class Stage:
    """One rehearsal: a virtual provider behind every channel, and the loop that plays a dispatch to its end."""

    def __init__(self, *, start: datetime, scenario: Scenario, seed: str) -> None:
        self.clock = VirtualClock(start)
        self.pacer = VirtualPacer(self.clock)
        self._folder = tempfile.TemporaryDirectory(prefix="rehearsal-")
        memory = Path(self._folder.name) / "simulator.sqlite3"  # on disk: a million people need not fit in memory
        self._carrier = Carrier(path=memory, scenario=scenario, seed=seed, clock=self.clock.seconds)
        self._channels = list(Channel.objects.order_by("id"))
        self._adapters = {one.pk: InsideSimulator(self._carrier, channel=one.code) for one in self._channels}
        self._probes = [start]
        self._swept = start

    def play(self, *, dispatch: Dispatch, beat: Callable[[Played], None]) -> Played:
        """
        Send a dispatch to its end, as fast as the channels' speed allows, window by window.

        `beat` is called after each chunk; what it raises ends the play.
        """
        played = Played()
        with self._folder, registry.instead(self._adapters), closing(self._carrier):
            while not self._is_over(dispatch):
                self._probe(played)
                taken = pump.send_chunk(lane="bulk", clock=self.clock, pacer=self.pacer)
                if taken:
                    played.first_at = played.first_at or self.clock.now
                    played.last_at = self.clock.now
                    played.message_count += taken
                    beat(played)
                    self.clock.now += timedelta(seconds=CALL_SECONDS / WORKERS)
                elif not self._skip_ahead(dispatch):
                    break
                self._sweep()
            sweep.end_waiting(now=self.clock.now)
            self._hear_the_rest()
        return played

    def _is_over(self, dispatch: Dispatch) -> bool:
        return self.clock.now >= dispatch.expires_at or not Ready.objects.filter(dispatch_id=dispatch.pk).exists()

    def _probe(self, played: Played) -> None:
        """Once a minute a notice asks for room, as one would that a till has just sent."""
        while self._probes[0] <= self.clock.now:
            due = heapq.heappop(self._probes)
            waits = [
                self.pacer.reserve(channel=one, parts=1, is_urgent=True)[1]
                for one in self._channels if not one.tiers or "NOTICE" in one.tiers
            ]  # fmt: skip
            played.worst_urgent_seconds = max(played.worst_urgent_seconds, min(waits, default=0.0))
            heapq.heappush(self._probes, max(due, self.clock.now) + PROBE_EVERY)

    def _skip_ahead(self, dispatch: Dispatch) -> bool:
        """Nothing may go now: on to the next minute in which something may; False when nothing waits any more."""
        waiting = Ready.objects.filter(dispatch_id=dispatch.pk).aggregate(first=Min("not_before"))["first"]
        if waiting is None:
            return False
        self.clock.now = max(waiting, self.clock.now + timedelta(minutes=1))
        self._probes = [max(self._probes[0], self.clock.now)]
        return True

    def _sweep(self) -> None:
        if self.clock.now - self._swept >= SWEEP_EVERY:
            self._swept = self.clock.now
            self._hear()
            circuits.judge_all(now=self.clock.now)

    def _hear_the_rest(self) -> None:
        """All receipts that would ever come."""
        self.clock.now += timedelta(days=3)
        self._hear()
        sweep.mark_unreported(now=self.clock.now + timedelta(days=1))

    def _hear(self) -> None:
        """The receipts that have come by now."""
        for one in self._channels:
            while told := self._adapters[one.pk].due(self.clock.now):
                receipts.store_receipts(channel=one, notes=told.receipts, now=self.clock.now)
        while receipts.merge_receipts(now=self.clock.now):
            pass
