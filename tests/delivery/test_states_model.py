"""Random orders of events against a small model: whatever happens, the ledger says what the model says."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.models import UnsureMessage
from delivery.port import Accepted, ReceiptNote
from delivery.services import dispatches, pump, receipts, sweep, unsure
from delivery.services.take import Chunk
from foundation.db import execute
from foundation.services.phones import hash_phone
from members.services.consent import opt_out
from tests.delivery.ledgers import (
    assert_counts_hold,
    choose,
    holds_slot,
    is_queued,
    message,
    pass_gate,
)
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, make_version, mobile
from tests.fakes.provider import FakeProvider, accept, ambiguous, refuse

EVENTS = [
    "take", "gate", "accept", "refuse", "retry", "ambiguous", "late record", "sweep after gate", "opt out", "stop",
    "delivered", "undelivered", "silence", "query yes", "person no",
]  # fmt: skip


class Model:
    """One message in the words of architecture.md; a worker's hands are `hand`: none, taken or fenced."""

    def __init__(self) -> None:
        self.state, self.hand, self.opted_out, self.stopped, self.receipts = "PLANNED", "none", False, False, set()

    def settle(self, told: str) -> None:
        self.receipts.add(told)
        worst = "UNDELIVERED" if "undelivered" in self.receipts else "DELIVERED"
        if self.state in ("UNSURE", "ACCEPTED", "UNREPORTED", "DELIVERED", "UNDELIVERED"):
            self.state = worst


class Machine:
    """The real thing, driven by the same events; each does nothing where the model says that it can't happen."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider, self.model = provider, Model()
        self.channel = make_channel(code=f"c{id(self)}", webhook_token=f"t{id(self)}")
        self.dispatch = make_dispatch(expires_at=NOON + timedelta(days=20))
        [self.id] = add_people(self.dispatch, [mobile(1)], version=make_version())
        self.chunk: Chunk | None = None
        self.outcomes: Any = None
        self.now = NOON
        self.reached = 0  # times a provider may have written to the person

    def do(self, event: str) -> None:
        getattr(self, event.replace(" ", "_"))()
        self.now += timedelta(seconds=10)

    def take(self) -> None:
        if self.model.state == "PLANNED" and not self.model.stopped:
            self.chunk = choose(now=self.now + timedelta(hours=1))
            if self.chunk is not None:
                self.model.state, self.model.hand = "CLAIMED", "taken"

    def gate(self) -> None:
        if self.model.hand != "taken":
            return
        passing = pass_gate(self.chunk, now=self.now)
        self.model.hand = "none"
        if self.model.stopped:
            self.model.state = "PLANNED"
        elif self.model.opted_out:
            self.model.state = "EXCLUDED"
        else:
            self.model.hand = "fenced"
        assert bool(passing) is (self.model.hand == "fenced")

    def _submit(self, answer: Any, state: str) -> None:
        if self.model.hand != "fenced":
            return
        self.provider.default = answer
        self.reached += state in ("ACCEPTED", "UNSURE")
        outcomes = pump.submit(chunk=self.chunk, rendered=pump.render(self.chunk))
        pump.record(chunk=self.chunk, outcomes=outcomes, now=self.now)
        self.model.state, self.model.hand = state, "none"

    def accept(self) -> None:
        self._submit(accept, "ACCEPTED")

    def refuse(self) -> None:
        self._submit(refuse("NUMBER"), "REFUSED")

    def retry(self) -> None:
        tries = message(self.id).tries + 1
        self._submit(refuse("RETRY"), "REFUSED" if tries >= 6 else "PLANNED")

    def ambiguous(self) -> None:
        self._submit(ambiguous, "UNSURE")

    def late_record(self) -> None:
        """The worker slept past its lease, the sweep gave it up, then its answer came."""
        if self.model.hand == "fenced":
            self.provider.default = accept
            self.reached += 1
            outcomes = pump.submit(chunk=self.chunk, rendered=pump.render(self.chunk))
            self._expire_leases()
            pump.record(chunk=self.chunk, outcomes=outcomes, now=self.now)
            self.model.state, self.model.hand = "ACCEPTED", "none"

    def sweep_after_gate(self) -> None:
        """The worker died where it stood."""
        if self.model.hand != "none":
            self._expire_leases()
            self.model.state = "PLANNED" if self.model.hand == "taken" else "UNSURE"
            self.model.hand = "none"

    def _expire_leases(self) -> None:
        execute("UPDATE delivery_handoff SET lease_until = clock_timestamp() - interval '1 second'")
        sweep.return_lost(now=self.now)

    def opt_out(self) -> None:
        opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="x", now=self.now)
        self.model.opted_out = True

    def stop(self) -> None:
        if not self.model.stopped:
            dispatches.stop(dispatch_id=self.dispatch.pk)
            self.model.stopped = True
        sweep.end_waiting(now=self.now)
        if self.model.state == "PLANNED":
            self.model.state = "CANCELLED"

    def _receipt(self, code: str) -> None:
        told = ReceiptNote(f"v{self.id}", code == "DELIVRD", code, self.now, f"202611-{self.id}")
        receipts.store_receipts(channel=self.channel, notes=[told], now=self.now)
        receipts.merge_receipts(now=self.now + timedelta(hours=2))

    def delivered(self) -> None:
        if self.model.state not in ("PLANNED", "CLAIMED"):
            self._receipt("DELIVRD")
            self.model.settle("delivered")

    def undelivered(self) -> None:
        if self.model.state not in ("PLANNED", "CLAIMED"):
            self._receipt("UNDELIV")
            self.model.settle("undelivered")

    def silence(self) -> None:
        if self.model.state == "ACCEPTED":
            sweep.mark_unreported(now=self.now + timedelta(days=4))
            self.model.state = "UNREPORTED"

    def query_yes(self) -> None:
        self.provider.known[f"202611-{self.id}"] = Accepted(f"v{self.id}")
        UnsureMessage.objects.update(next_check_at=self.now)
        unsure.ask_due(clock=lambda: self.now)
        if self.model.state == "UNSURE":
            self.model.state = "ACCEPTED"

    def person_no(self) -> None:
        if self.model.state == "UNSURE":
            unsure.decide(message_ids=[self.id], was_sent=False, by=make_operator(), now=self.now)
            self.model.state = "REFUSED"

    def check(self) -> None:
        row, model = message(self.id), self.model
        assert row.state == model.state
        assert is_queued(self.id) is (model.state == "PLANNED")
        assert UnsureMessage.objects.filter(pk=self.id).exists() is (model.state == "UNSURE")
        reached = model.state in ("UNSURE", "ACCEPTED", "DELIVERED", "UNDELIVERED", "UNREPORTED")
        assert holds_slot(self.id) is (reached or model.hand == "fenced")
        assert_counts_hold(self.dispatch, 1)


@pytest.mark.django_db(transaction=True)
@given(st.lists(st.sampled_from(EVENTS), max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_in_whatever_order_the_ledger_is_as_the_model_says(provider: FakeProvider, events):
    for table in ("message", "ready", "capentry", "receipt", "vendorref", "handoff", "unsuremessage", "channel"):
        execute(f"TRUNCATE delivery_{table} CASCADE")
    execute("DELETE FROM members_phonegate")
    provider.script, provider.default, provider.known = [], accept, {}
    machine = Machine(provider)
    for event in events:
        machine.do(event)
        machine.check()
    assert machine.reached <= 1
