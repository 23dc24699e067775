"""The sweeper: gives back what dead workers held, ends what is over, folds the counts."""

import logging
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from delivery.models import Dispatch, DispatchState, Handoff, HandoffState, Heartbeat, Message, Ready
from delivery.services import circuits
from delivery.services.ledger import Move, move
from foundation.db import execute, fetch_all, fetch_dicts, load_sql
from foundation.services import outbox

log = logging.getLogger(__name__)

CHUNK = 5_000
MOST_ENDED = 10 * CHUNK  # in one sweep: a million that expire must not keep the other duties waiting

LOST = """
UPDATE delivery_handoff SET state = CASE state WHEN 'TAKEN' THEN 'RETURNED' ELSE 'LOST' END
WHERE id IN (SELECT id FROM delivery_handoff
             WHERE state IN ('TAKEN', 'FENCED') AND lease_until < clock_timestamp()
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING id, month, message_ids, state
"""


@transaction.atomic
def return_lost(*, now: datetime) -> int:
    """
    Settle hand-offs whose lease ran out; returns how many.

    Before the fence the chunk goes back to the queue; after it nobody knows, so it is UNSURE and never
    sent again on a guess. The same compare-and-swap as the worker's own: one of both wins.
    """
    lost = fetch_dicts(LOST)
    for handoff in lost:
        returned = handoff["state"] == HandoffState.RETURNED
        state, reason = ("PLANNED", "WORKER_LOST") if returned else ("UNSURE", "WORKER_LOST")
        move(month=handoff["month"], moves=[Move(i, state, reason) for i in handoff["message_ids"]], now=now)
        log.warning("handoff_lost", extra={"handoff_id": handoff["id"], "state": handoff["state"]})
    return len(lost)


def end_waiting(*, now: datetime) -> int:
    """Expire and cancel messages that wait in a dispatch that is over or was stopped, MOST_ENDED at most; how many."""
    waiting = Dispatch.objects.filter(Exists(Ready.objects.filter(dispatch_id=OuterRef("pk")))).order_by("id")
    over = waiting.filter(state__in=[DispatchState.OPEN, DispatchState.PAUSED], expires_at__lte=now)
    stopped = waiting.filter(state=DispatchState.STOPPED)
    ended = 0
    for dispatches, state, reason in ((over, "EXPIRED", "TOO_LATE"), (stopped, "CANCELLED", "STOPPED")):
        for dispatch in dispatches:
            ended += _end(dispatch, state, reason, most=MOST_ENDED - ended, now=now)
    return ended


TAKE_WAITING = """
DELETE FROM delivery_ready WHERE message_id IN (
    SELECT message_id FROM delivery_ready WHERE dispatch_id = %(dispatch_id)s
    ORDER BY priority, not_before, message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING message_id
"""


def _end(dispatch: Dispatch, state: str, reason: str, *, most: int, now: datetime) -> int:
    ended = 0
    while (limit := min(CHUNK, most - ended)) > 0:
        with transaction.atomic():
            rows = fetch_dicts(TAKE_WAITING, {"dispatch_id": dispatch.pk, "limit": limit})
            moves = [Move(row["message_id"], state, reason) for row in rows]
            ended += len(move(month=dispatch.month, moves=moves, now=now))
        if len(rows) < limit:
            break
    return ended


@transaction.atomic
def close_finished(*, now: datetime) -> int:
    """
    Close dispatches that have nothing waiting and nothing in a worker's hands; tells "delivery.dispatch_closed".

    One statement decides: queue entries and hand-offs of a chunk change in one transaction, so a
    message between queue and worker is always seen in one of both.
    """
    waiting = Ready.objects.filter(dispatch_id=OuterRef("pk"))
    in_hands = Handoff.objects.filter(dispatch_id=OuterRef("pk"), state__in=[HandoffState.TAKEN, HandoffState.FENCED])
    done = Dispatch.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        ~Exists(waiting),
        ~Exists(in_hands),
        state__in=[DispatchState.OPEN, DispatchState.PAUSED, DispatchState.STOPPED],
        closed_at__isnull=True,
    )
    closed = 0
    for dispatch in done:
        state = DispatchState.STOPPED if dispatch.state == DispatchState.STOPPED else DispatchState.CLOSED
        closed += Dispatch.objects.filter(pk=dispatch.pk, closed_at__isnull=True).update(state=state, closed_at=now)
        payload = {"dispatch_id": dispatch.pk, "source": dispatch.source}
        outbox.publish(topic="delivery.dispatch_closed", payload=payload, now=now)
    return closed


# The counts know where messages still wait for a receipt, so that months that are through are not read again.
STILL_ACCEPTED = """
SELECT DISTINCT d.month FROM delivery_tally t JOIN delivery_dispatch d ON d.id = t.dispatch_id
WHERE t.state = 'ACCEPTED' AND t.message_count > 0 ORDER BY d.month
"""


def mark_unreported(*, now: datetime) -> int:
    """Give up waiting for receipts after settings.UNREPORTED_HOURS; a later one still counts. Returns how many."""
    limit = now - timedelta(hours=settings.UNREPORTED_HOURS)
    fold_tallies()
    return sum(_mark_silent(month, limit, now=now) for (month,) in fetch_all(STILL_ACCEPTED))


def _mark_silent(month: date, limit: datetime, *, now: datetime) -> int:
    """One walk over a month, however many dispatches it has."""
    silent = Message.objects.filter(month=month, state="ACCEPTED", submitted_at__lte=limit)
    marked = last_id = 0
    while ids := list(silent.filter(id__gt=last_id).order_by("id").values_list("id", flat=True)[:CHUNK]):
        last_id = ids[-1]
        with transaction.atomic():
            moves = [Move(i, "UNREPORTED", "NO_RECEIPT") for i in ids]
            marked += len(move(month=month, moves=moves, now=now))
    return marked


def fold_tallies(*, limit: int = 50_000) -> None:
    """Fold waiting deltas into the tally."""
    execute(load_sql("delivery", "fold_tallies"), {"limit": limit})


def beat(*, name: str, now: datetime) -> None:
    """Note that a part of the machine lives."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def sweep(*, now: datetime) -> bool:
    """
    All of the sweep's small duties, each in transactions of its own; may run anywhere, any number of times.

    Returns whether it left work to the next sweep.
    """
    return_lost(now=now)
    is_more_left = end_waiting(now=now) >= MOST_ENDED
    close_finished(now=now)
    fold_tallies()
    circuits.judge_all(now=now)
    beat(name="sweep", now=now)
    return is_more_left
