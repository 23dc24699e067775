"""Receipts that match no message, and notes that nobody could read."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q

from delivery.models import Channel, Receipt, UnreadNote
from foundation.crypto import key_ring


@dataclass(frozen=True, slots=True)
class Strays:
    """How many receipts of one channel found no message: those still looked up, those given up, and when they came."""

    channel: str
    waiting: int
    given_up: int
    first: datetime
    last: datetime


def strays_by_channel() -> list[Strays]:
    """By channel."""
    names = dict(Channel.objects.values_list("pk", "name"))
    rows = Receipt.objects.filter(merged_at__isnull=True).values("channel_id").annotate(
        waiting=Count("pk", filter=Q(merge_after__isnull=False)),
        given_up=Count("pk", filter=Q(merge_after__isnull=True)),
        first=Min("received_at"), last=Max("received_at"),
    ).order_by("channel_id")  # fmt: skip
    return [
        Strays(names.get(row["channel_id"], str(row["channel_id"])), row["waiting"], row["given_up"], row["first"],
               row["last"])
        for row in rows
    ]  # fmt: skip


def latest_strays(*, limit: int, before_id: int | None) -> list[Receipt]:
    """The newest of them, below `before_id`."""
    rows = Receipt.objects.filter(merged_at__isnull=True)
    if before_id is not None:
        rows = rows.filter(pk__lt=before_id)
    return list(rows.order_by("-id")[:limit])


LONG_NUMBER = re.compile(r"\d{4,}(?=\d{4})")  # phones, codes of coupons


def latest_unread(*, limit: int) -> list[tuple[UnreadNote, str]]:
    """The newest notes that could not be read, each with its row; of long numbers only the last four digits."""
    notes = UnreadNote.objects.order_by("-id")[:limit]
    return [(one, LONG_NUMBER.sub("****", key_ring().decrypt(bytes(one.row_cipher)))) for one in notes]
