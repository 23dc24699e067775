"""Receipts and replies: written raw at once, understood set-based."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from delivery.models import Channel, Receipt, Reply, ReplyState
from delivery.port import ReceiptNote, ReplyNote
from delivery.services.ledger import Move, move
from foundation import queue
from foundation.db import fetch_dicts, load_sql
from foundation.phone import PhoneRefused, parse_mobile
from foundation.services.phones import hash_phone
from members.models import ConsentSource
from members.rules.consent import is_opt_out
from members.services.consent import opt_out


@transaction.atomic
def store_receipts(*, channel: Channel, notes: Sequence[ReceiptNote], now: datetime) -> None:
    """Keep receipts raw; a repeated one is kept once. They are merged by a worker."""
    Receipt.objects.bulk_create(
        [
            Receipt(
                channel_id=channel.pk, vendor_id=note.vendor_id[:64], is_delivered=note.is_delivered,
                vendor_code=note.vendor_code[:32], reported_at=note.reported_at, received_at=now,
            )
            for note in notes
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    queue.ring("delivery.merge_receipts")


def merge_receipts(*, now: datetime, limit: int = 1_000) -> int:
    """
    Move messages by their receipts; returns how many receipts were used up.

    Several receipts of one message in one batch: the worst wins. One whose message is not known yet
    (it came before the accept was recorded) stays and is tried again.
    """
    with transaction.atomic():
        rows = fetch_dicts(load_sql("delivery", "merge_receipts"), {"limit": limit})
        moves: dict[date, dict[int, Move]] = defaultdict(dict)
        for row in sorted(rows, key=lambda one: not one["is_delivered"]):  # failures last: they overwrite
            state = "DELIVERED" if row["is_delivered"] else "UNDELIVERED"
            reason = "" if row["is_delivered"] else row["vendor_code"]
            moves[row["month"]][row["message_id"]] = Move(row["message_id"], state, reason)
        for month, wanted in sorted(moves.items()):
            move(month=month, moves=wanted.values(), now=now)
        Receipt.objects.filter(pk__in=[row["id"] for row in rows]).update(merged_at=now)
    return len(rows)


@transaction.atomic
def receive_replies(*, channel: Channel, notes: Sequence[ReplyNote], now: datetime) -> int:
    """
    Keep replies; an opt-out takes effect in the same transaction, before the provider gets its answer.

    A repeated reply changes nothing. Returns how many were new.
    """
    known = [(hash_phone(mobile), mobile[-4:], note) for note in notes if (mobile := _mobile(note.phone))]
    # Sorted by phone: the gate locks the same rows in this order.
    known.sort(key=lambda one: one[0])
    return sum(_receive(channel, *one, now=now) for one in known)


def _mobile(phone: str) -> str | None:
    try:
        return parse_mobile(phone)
    except PhoneRefused:
        return None  # a short code or a landline is nobody's opt-out


def _receive(channel: Channel, phone_hash: UUID, tail: str, note: ReplyNote, *, now: datetime) -> bool:
    leaves = is_opt_out(note.text)
    facts = {
        "phone_hash": phone_hash, "phone_tail": tail, "text": note.text[:500], "received_at": now,
        "state": ReplyState.OPT_OUT if leaves else ReplyState.INBOX,
    }  # fmt: skip
    reply, is_new = Reply.objects.get_or_create(channel_id=channel.pk, vendor_id=note.vendor_id[:64], defaults=facts)
    if is_new and leaves:
        opt_out(phone_hash=reply.phone_hash, source=ConsentSource.REPLY, proof=f"reply:{reply.pk}", now=now)
    return is_new
