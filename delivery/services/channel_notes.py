"""What is written down of circuits for people: what they did, and what they saw and left alone."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from delivery.models import Channel, ChannelNote, ChannelNoteKind, Circuit
from delivery.rules.health import Finding, Pulse

KINDS = {
    Circuit.OPEN: ChannelNoteKind.BROKEN,
    Circuit.HALF_OPEN: ChannelNoteKind.TRIAL,
    Circuit.CLOSED: ChannelNoteKind.BACK,
}

Misses = Mapping[int, tuple[str, Finding] | None]


def note_move(
    *, channel: Channel, circuit: str, reason: str, found: Finding | None, is_alone: bool, now: datetime
) -> None:
    """Write down a move of a circuit; needs the move's transaction."""
    facts: dict[str, Any] = asdict(found) if found is not None else {}
    ChannelNote.objects.create(
        channel=channel, at=now, kind=KINDS[Circuit(circuit)],
        facts=facts | {"why": reason[:200], "is_alone": is_alone},
    )  # fmt: skip


def follow(*, misses: Misses, rolling: Mapping[int, Pulse], now: datetime) -> None:
    """
    Write down where an episode of channels that stay in traffic begins or ends: not at each look.

    `misses` has what is wrong with each, None for those that do well. May run anywhere, also at once.
    """
    newest = {one.channel_id: one for one in _newest().filter(channel_id__in=misses)}
    for channel_id, miss in misses.items():
        last = newest.get(channel_id)
        is_near = last is not None and last.kind == ChannelNoteKind.NEAR
        if is_near == (miss is not None):
            continue
        if miss is not None:
            why, found = miss
            _append(channel_id, last, ChannelNoteKind.NEAR, asdict(found) | {"why": why}, now)
        else:
            _append(channel_id, last, ChannelNoteKind.WELL, _condition(rolling.get(channel_id, Pulse())), now)


def _newest() -> Any:
    return ChannelNote.objects.order_by("channel_id", "-id").distinct("channel_id")


def _condition(pulse: Pulse) -> dict[str, int]:
    return {"receipts": pulse.receipts, "delivered_percent": pulse.delivered_percent, "mean_delay": pulse.mean_delay}


@transaction.atomic
def _append(
    channel_id: int, seen: ChannelNote | None, kind: ChannelNoteKind, facts: dict[str, Any], now: datetime
) -> None:
    """Write a note unless another sweeper wrote one since `seen` was the newest."""
    # The channel's row makes sweepers take turns; hand-overs that only refer to it are not kept waiting.
    Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    newest = _newest().filter(channel_id=channel_id).first()
    if (newest and newest.pk) == (seen and seen.pk):
        ChannelNote.objects.create(channel_id=channel_id, at=now, kind=kind, facts=facts)
