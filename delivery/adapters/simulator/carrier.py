"""
The simulated carrier itself: accepts or refuses, keeps account, plans receipts and replies.

It neither listens, nor sleeps, nor calls anybody: `server` and `push` do that over HTTP, `inside` without.
"""

import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from delivery.adapters.simulator.fate import Fault, chance_reply, fate, fault, tellings
from delivery.adapters.simulator.memory import Due, Memory, Taken
from delivery.adapters.simulator.scenario import Scenario
from templates_sms.rules.parts import count_parts

MOST_PEOPLE: Final = 1_000
PUT_OFF_SECONDS: Final = 2.0
NOT_ACCEPTED: Final = (Fault.THROTTLE, Fault.ERROR)

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """What came of one call: how it goes wrong, a row per person, and what is told before the answer."""

    fault: Fault
    results: list[Row] = field(default_factory=list)
    early: list[Due] = field(default_factory=list)
    retry_after: int = 1  # seconds, when it was too fast


@dataclass(slots=True)
class Bucket:
    """How many people a channel may still hand over. Holds one second's worth."""

    level: float
    at: float

    def wait(self, people: int, *, rate: int, now: float) -> float:
        """Take room for `people` and return 0, or the seconds until there is room."""
        self.level = min(rate, self.level + max(0.0, now - self.at) * rate)
        self.at = now
        needed = min(people, rate)  # a call larger than the bucket passes when it is full, and is paid off later
        if self.level < needed:
            return (needed - self.level) / rate
        self.level -= people
        return 0.0


class Carrier:
    """
    Remembers in `path` (":memory:" for a carrier that lives as long as its process). Safe to use from several threads.

    `clock` gives seconds since 1970; a brown-out's seconds are counted from the construction.
    """

    def __init__(
        self, *, path: Path | str, scenario: Scenario, seed: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._clock = clock
        self._memory = Memory(path)
        self._serial = self._memory.last_serial()
        self._begun = clock()
        self._calls_count = 0
        self._replies_count = 0
        self._buckets: dict[str, Bucket] = {}

    def close(self) -> None:
        """Give the file back."""
        self._memory.close()

    def scenario(self) -> Scenario:
        """The scenario as it is now."""
        return self._scenario.at(self._clock() - self._begun)

    def submit(self, channel: str, people: Sequence[Row], *, callback: str = "") -> Call:
        """
        Accept or refuse each person, and plan what will be told. Raises ValueError with nothing accepted.

        `callback` is where receipts and replies of the channel go from now on.
        """
        _check(people)
        with self._memory.transaction():
            now, scenario = self._clock(), self.scenario()
            self._calls_count += 1
            wait = self._wait(channel, len(people), scenario, now)
            found = fault(scenario, seed=self._seed, call=self._calls_count, reference=people[0]["reference"])
            if wait or found in NOT_ACCEPTED:
                return Call(Fault.THROTTLE if wait else found, retry_after=1 + int(wait))
            if callback:
                self._memory.keep_callback(channel, callback)
            results, taken = self._judge(channel, people, scenario, now)
            due, early = self._plan(taken, scenario)
            self._memory.add_taken(taken)
            self._memory.add_due(due)
            self._memory.keep_serial(self._serial)
            return Call(found, results, early)

    def _wait(self, channel: str, people: int, scenario: Scenario, now: float) -> float:
        rate = scenario.people_per_second
        if not rate:
            return 0.0
        bucket = self._buckets.setdefault(channel, Bucket(rate, now))
        return bucket.wait(people, rate=rate, now=now)

    def _judge(
        self, channel: str, people: Sequence[Row], scenario: Scenario, now: float
    ) -> tuple[list[Row], list[Taken]]:
        left = self._left(channel, scenario)
        results: list[Row] = []
        taken: list[Taken] = []
        for person in people:
            reference, parts = person["reference"], count_parts(person["text"])
            if fate(scenario, seed=self._seed, reference=reference).is_refused:
                results.append(_refused(reference, "NUMBER", "BAD_NUMBER"))
            elif left is not None and left < parts * scenario.part_price:
                results.append(_refused(reference, "BALANCE", "NO_MONEY"))
            else:
                left = None if left is None else left - parts * scenario.part_price
                number = self._next()
                vendor_id = self._name(reference, number)
                taken.append(Taken(number, vendor_id, channel, reference, person["phone"], person["text"], parts, now))
                results.append({"reference": reference, "status": "accepted", "vendor_id": vendor_id})
        if left is not None and scenario.balance is not None:
            self._memory.keep_spent(channel, scenario.balance - left)
        return results, taken

    def _plan(self, taken: Sequence[Taken], scenario: Scenario) -> tuple[list[Due], list[Due]]:
        """All that will be told of some people, and of that what is told before the answer."""
        due: list[Due] = []
        early: list[Due] = []
        for one in taken:
            lot = fate(scenario, seed=self._seed, reference=one.reference)
            for told in tellings(scenario, lot, seed=self._seed, reference=one.reference, parts=one.parts):
                body = {"vendor_id": one.vendor_id, "reference": one.reference, "code": told.code, "part": told.part}
                due.append(self._due(one.accepted_at + told.delay, one.channel, "receipts", body))
                early += due[-1:] if told.is_early else []
            if lot.reply:
                at = one.accepted_at + lot.receipt_delay + scenario.reply_delay
                due.append(self._reply(at, one.channel, one.phone, lot.reply))
        return due, early

    def query(self, channel: str, references: Sequence[str]) -> list[Row]:
        """What questions are answered: accepted, or absent when it was never accepted or not long enough ago."""
        until = self._clock() - self.scenario().query_lag_seconds
        rows = []
        for reference in references:
            known = self._memory.known_by(channel, reference, until)
            said = {"status": "accepted", "vendor_id": known.vendor_id} if known else {"status": "absent"}
            rows.append({"reference": reference} | said)
        return rows

    def balance(self, channel: str) -> int | None:
        """What is left to a channel in 1/10000 yuan; None when nobody counts."""
        return self._left(channel, self.scenario())

    def _left(self, channel: str, scenario: Scenario) -> int | None:
        return None if scenario.balance is None else scenario.balance - self._memory.spent(channel)

    def reply(self, phone: str, text: str) -> bool:
        """A person writes back to the last message they got; False when they never got one."""
        with self._memory.transaction():
            last = self._memory.latest_to(phone)
            if last is None:
                return False
            self._memory.add_due([self._reply(self._clock(), last.channel, phone, text)])
            self._memory.keep_serial(self._serial)
            return True

    def accepted(self) -> list[Row]:
        """Everybody who was really written to, in order."""
        return [
            {"reference": one.reference, "phone": one.phone, "text": one.text, "channel": one.channel}
            for one in self._memory.taken()
        ]

    def due(self, *, limit: int, channel: str | None = None, until: float | None = None) -> list[Due]:
        """What is to be told now (or by `until`), of one channel or of all; it stays due until it is `told`."""
        until = self._clock() if until is None else until
        with self._memory.transaction():
            self._plan_chance_replies(until)
            found = self._memory.due(until=until, limit=limit, channel=channel)
        if self._scenario.receipt_shuffle and found:
            random.Random(f"{self._seed}/{found[0].id}").shuffle(found)  # noqa: S311 (no secret: a repeatable disorder)
        return found

    def told(self, due: Sequence[Due]) -> None:
        """It was heard."""
        self._memory.forget_due([one.id for one in due])

    def unheard(self, due: Sequence[Due]) -> None:
        """It was not heard, and is told again a little later."""
        self._memory.put_off([one.id for one in due], until=self._clock() + PUT_OFF_SECONDS)

    def callback(self, channel: str) -> str:
        """Where the receipts and replies of a channel go; empty when nobody said."""
        return self._memory.callback(channel)

    def _plan_chance_replies(self, until: float) -> None:
        rate = self._scenario.replies_per_minute
        wanted = int((until - self._begun) * rate / 60)
        if wanted <= self._replies_count:
            return
        for number in range(self._replies_count, wanted):
            who, text = chance_reply(self._scenario, seed=self._seed, number=number)
            person = self._memory.taken_from(who % (self._serial + 1)) or self._memory.taken_from(0)
            if person is not None:
                at = self._begun + (number + 1) * 60 / rate
                self._memory.add_due([self._reply(at, person.channel, person.phone, text)])
        self._replies_count = wanted
        self._memory.keep_serial(self._serial)

    def _reply(self, at: float, channel: str, phone: str, text: str) -> Due:
        said = {"vendor_id": self._name(phone, at, self._serial + 1), "phone": phone, "text": text}
        return self._due(at, channel, "replies", said)

    def _due(self, at: float, channel: str, kind: str, body: dict[str, Any]) -> Due:
        stamp = datetime.fromtimestamp(at, UTC).isoformat()
        return Due(self._next(), at, channel, kind, json.dumps(body | {"at": stamp}))

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _name(self, *words: object) -> str:
        """A vendor id: the same in each rehearsal, and another one when a new file begins to count anew."""
        text = "/".join(map(str, (self._seed, *words)))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _refused(reference: str, category: str, code: str) -> Row:
    return {"reference": reference, "status": "refused", "category": category, "code": code}


def _check(people: Sequence[Row]) -> None:
    if not 0 < len(people) <= MOST_PEOPLE:
        raise ValueError(f"A call has 1 to {MOST_PEOPLE} people.")
    for person in people:
        if not all(isinstance(person[name], str) and person[name] for name in ("reference", "phone", "text")):
            raise ValueError("reference, phone and text must be texts.")
