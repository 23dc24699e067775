"""Receipts: written raw at once, merged into the ledger set-based."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from delivery.models import Channel, FailureEffect, VendorRef
from delivery.port import ReceiptNote
from delivery.queries.reasons import receipt_codes
from delivery.rules.receipts import match, next_look, worst
from delivery.rules.reference import parse_reference
from delivery.services import circuits
from delivery.services.ledger import Move, Moved, move
from foundation import queue
from foundation.db import execute, fetch_all, fetch_dicts, load_sql
from foundation.services import outbox

STORE = """
INSERT INTO delivery_receipt
    (channel_id, vendor_id, reference, is_delivered, vendor_code, reported_at, received_at, merge_after)
SELECT %(channel_id)s, left(vendor_id, 64), left(reference, 32), is_delivered, left(vendor_code, 32), reported_at,
       %(now)s, %(now)s
FROM jsonb_to_recordset(%(notes)s::jsonb)
    AS n(vendor_id text, reference text, is_delivered boolean, vendor_code text, reported_at timestamptz)
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def store_receipts(*, channel: Channel, notes: Sequence[ReceiptNote], now: datetime) -> None:
    """Keep receipts raw; a repeated one is kept once. They are merged by a worker."""
    rows = [
        {
            "vendor_id": note.vendor_id, "reference": note.reference, "is_delivered": note.is_delivered,
            "vendor_code": note.vendor_code, "reported_at": note.reported_at.isoformat(),
        }
        for note in notes
    ]  # fmt: skip
    execute(STORE, {"channel_id": channel.pk, "now": now, "notes": json.dumps(rows)})
    queue.ring("delivery.merge_receipts")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A receipt to be merged; month and message are None while its message is not known."""

    id: int
    channel_id: int
    vendor_id: str
    reference: str
    is_delivered: bool
    vendor_code: str
    reported_at: datetime
    received_at: datetime
    month: date | None
    message_id: int | None


MERGED = "UPDATE delivery_receipt SET merged_at = %(now)s WHERE id = ANY(%(ids)s)"


@transaction.atomic
def merge_receipts(*, now: datetime, limit: int = 2_000) -> int:
    """
    Move messages by their receipts; returns how many receipts were looked at.

    Several of one message, in one batch or days apart: the worst wins, whatever their order. One whose message is
    not known yet is put off, ever longer, and given up after three days; it stays to be seen.
    """
    rows = [Waiting(**row) for row in fetch_dicts(load_sql("delivery", "merge_receipts"), {"limit": limit, "now": now})]
    found = [row for row in rows if row.message_id is not None]
    found += _by_reference([row for row in rows if row.message_id is None], now=now)
    moved = [one for month, wanted in sorted(_moves(found).items()) for one in move(month=month, moves=wanted, now=now)]
    _note_health(found, moved, now=now)
    _tell_failures(found, now=now)
    known = {row.id for row in found}
    execute(MERGED, {"ids": sorted(known), "now": now})
    _put_off([row for row in rows if row.id not in known], now=now)
    return len(rows)


def _moves(found: Iterable[Waiting]) -> dict[date, list[Move]]:
    codes: dict[tuple[date, int], list[tuple[bool, str]]] = defaultdict(list)
    for row in found:
        assert row.month is not None and row.message_id is not None
        codes[row.month, row.message_id].append((row.is_delivered, row.vendor_code))
    moves: dict[date, list[Move]] = defaultdict(list)
    for (month, message_id), told in codes.items():
        is_delivered, code = worst(told)
        moves[month].append(Move(message_id, "DELIVERED" if is_delivered else "UNDELIVERED", code))
    return moves


# Not one that is still in a worker's hands: its accept comes with a reference of the provider's own.
KNOWN = """
SELECT id, channel_id FROM delivery_message
WHERE month = %(month)s AND id = ANY(%(ids)s)
  AND state IN ('UNSURE', 'ACCEPTED', 'UNREPORTED', 'DELIVERED', 'UNDELIVERED')
"""


def _by_reference(rows: Sequence[Waiting], *, now: datetime) -> list[Waiting]:
    """Those whose own reference leads to a message of the same channel; its provider's id is noted for other parts."""
    wanted: dict[date, dict[int, list[Waiting]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if (parsed := parse_reference(row.reference)) is not None:
            wanted[parsed[0]][parsed[1]].append(row)
    found: list[Waiting] = []
    refs: list[VendorRef] = []
    for month, by_id in sorted(wanted.items()):
        for message_id, channel_id in fetch_all(KNOWN, {"month": month, "ids": sorted(by_id)}):
            same = [row for row in by_id[message_id] if row.channel_id == channel_id]
            found += [replace(row, month=month, message_id=message_id) for row in same]
            refs += [
                VendorRef(
                    channel_id=channel_id, vendor_id=row.vendor_id, month=month, message_id=message_id, created_at=now
                )
                for row in same
            ]
    VendorRef.objects.bulk_create(refs, ignore_conflicts=True)
    return found


PUT_OFF = """
UPDATE delivery_receipt r SET merge_after = w.again
FROM unnest(%(ids)s::bigint[], %(agains)s::timestamptz[]) AS w(id, again) WHERE r.id = w.id
"""


def _put_off(rows: Sequence[Waiting], *, now: datetime) -> None:
    if rows:
        agains = [next_look(received_at=row.received_at, now=now) for row in rows]
        execute(PUT_OFF, {"ids": [row.id for row in rows], "agains": agains})


def _note_health(found: Sequence[Waiting], moved: Sequence[Moved], *, now: datetime) -> None:
    reported = {row.message_id: row.reported_at for row in found}
    by_channel: dict[int, list[Moved]] = defaultdict(list)
    for one in moved:
        by_channel[one.channel_id or 0].append(one)
    for channel_id, some in sorted(by_channel.items()):
        delivered = sum(one.state == "DELIVERED" for one in some)
        delay = sum(
            max(0, int((reported[one.id] - one.submitted_at).total_seconds())) for one in some if one.submitted_at
        )
        circuits.note(
            channel_id=channel_id, now=now, delivered_count=delivered, undelivered_count=len(some) - delivered,
            delay_seconds=delay,
        )  # fmt: skip


AGAIN = """
SELECT phone_hash FROM delivery_message
WHERE phone_hash = ANY(%(hashes)s::uuid[]) AND month >= %(month)s AND state = 'UNDELIVERED' AND done_at > %(since)s
GROUP BY phone_hash HAVING count(*) >= %(times)s
"""


def _tell_failures(found: Sequence[Waiting], *, now: datetime) -> None:
    """
    News of numbers that should rest: at once for a dead one, after several failures in a month for the others.

    Every receipt speaks for itself: the code that kills a number may come after another failure of its message.
    """
    codes = receipt_codes()
    effects: dict[str, set[str]] = defaultdict(set)
    failed = [one for one in found if not one.is_delivered]
    for phone_hash, vendor_code in _codes_by_phone(failed):
        entry = match(vendor_code, codes)
        effects[entry.effect if entry is not None else FailureEffect.NONE].add(str(phone_hash))
    hard, soft = effects[FailureEffect.HARD], effects[FailureEffect.SOFT]
    if hard:
        _publish(hard, "NUMBER", now=now)
    if soft:
        since = now - timedelta(days=settings.SOFT_FAILURE_DAYS)
        facts = {
            "hashes": sorted(soft), "since": since, "times": settings.SOFT_FAILURE_COUNT,
            "month": (since - timedelta(days=31)).date().replace(day=1),
        }  # fmt: skip
        _publish({str(row[0]) for row in fetch_all(AGAIN, facts)}, "SOFT", now=now)


PHONES = "SELECT id, phone_hash FROM delivery_message WHERE month = %(month)s AND id = ANY(%(ids)s)"


def _codes_by_phone(failed: Sequence[Waiting]) -> Iterator[tuple[UUID, str]]:
    by_month: dict[date, list[Waiting]] = defaultdict(list)
    for one in failed:
        assert one.month is not None
        by_month[one.month].append(one)
    for month, some in sorted(by_month.items()):
        phones = dict(fetch_all(PHONES, {"month": month, "ids": sorted({one.message_id for one in some})}))
        yield from ((phones[one.message_id], one.vendor_code) for one in some if one.message_id in phones)


def _publish(phone_hashes: set[str], code: str, *, now: datetime) -> None:
    if phone_hashes:
        payload = {"phone_hashes": sorted(phone_hashes), "code": code}
        outbox.publish(topic="delivery.hard_failure", payload=payload, now=now)
