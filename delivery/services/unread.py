"""What providers told and nobody could read: kept sealed for people, so that nothing is lost in silence."""

from collections.abc import Sequence
from datetime import datetime

from delivery.models import Channel, NoteKind, UnreadNote
from delivery.port import Unread
from foundation.crypto import key_ring
from foundation.services import alerts

LONGEST_ROW = 4_000


def keep_unread(*, channel: Channel, kind: NoteKind, rows: Sequence[Unread], now: datetime) -> None:
    """Keep rows that could not be read and tell a person. Nothing to keep, nothing told."""
    if not rows:
        return
    UnreadNote.objects.bulk_create(
        UnreadNote(
            channel_id=channel.pk, kind=kind, fault=one.fault[:120], received_at=now,
            row_cipher=key_ring().encrypt(one.row[:LONGEST_ROW]),
        )
        for one in rows
    )  # fmt: skip
    subject = f"delivery.channel:{channel.pk}"
    alerts.raise_alert(code="NOTES_UNREAD", subject=subject, now=now, channel=channel.name, why=rows[0].fault)
