"""What every test of the delivery room asks of the ledger."""

from collections import Counter
from datetime import datetime

from delivery.models import CapEntry, Dispatch, Message, Ready
from delivery.queries.tally import ledger_of, tally_of
from delivery.services import gate, pump
from delivery.services.record import Outcome
from delivery.services.take import Chunk
from tests.factories import NOON


def states(dispatch: Dispatch) -> dict[str, int]:
    """How many messages of a dispatch are in which state."""
    rows = Message.objects.filter(month=dispatch.month, dispatch_id=dispatch.pk)
    return dict(Counter(rows.values_list("state", flat=True)))


def message(message_id: int) -> Message:
    """One message by its number."""
    return Message.objects.get(id=message_id)


def assert_counts_hold(dispatch: Dispatch, planned: int) -> None:
    """Invariant 1: tally = ledger, and all states together are what was planned."""
    counted, true = tally_of(dispatch_ids=[dispatch.pk]), ledger_of(dispatch_ids=[dispatch.pk])
    assert counted == true
    assert sum(row.message_count for row in counted) == planned


def is_queued(message_id: int) -> bool:
    """Whether a message waits in the queue."""
    return Ready.objects.filter(message_id=message_id).exists()


def holds_slot(message_id: int) -> bool:
    """Whether a message holds a slot against the caps of its phone."""
    return CapEntry.objects.filter(message_id=message_id).exists()


def pump_all(*, now: datetime = NOON, lane: str = "bulk") -> int:
    """Send until nothing may go at `now`; returns how many messages were taken."""
    taken = 0
    while step := pump.send_chunk(lane=lane, clock=lambda: now):
        taken += step
    return taken


def choose(*, now: datetime = NOON, lane: str = "bulk") -> Chunk | None:
    """The next chunk in a worker's hands."""
    return pump.choose_and_take(lane=lane, clock=lambda: now)


def pass_gate(chunk: Chunk, *, now: datetime = NOON) -> set[int]:
    """Take a chunk through the gate; the ids of those who may go."""
    return gate.pass_gate(
        chunk=chunk, parts={one.message.id: one.parts for one in pump.render(chunk)}, clock=lambda: now
    )


def hand_over(chunk: Chunk, *, now: datetime = NOON) -> list[Outcome]:
    """Through the gate and to the provider; nothing is recorded yet."""
    rendered = pump.render(chunk)
    passing = pass_gate(chunk, now=now)
    return pump.submit(chunk=chunk, rendered=[one for one in rendered if one.message.id in passing])
