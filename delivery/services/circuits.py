"""The circuits of channels: taken out of traffic, tried again, let back."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from delivery.models import Channel, ChannelPulse, ChannelState, Circuit
from delivery.queries.channels import pulses, standing_of
from delivery.rules.health import ROLLING, SUDDEN, Finding, Pulse, finding, judge, near_miss
from delivery.services import channel_notes
from foundation.services import alerts

log = logging.getLogger(__name__)

KEEP_PULSES = timedelta(hours=1)


def note(*, channel_id: int, now: datetime, **counts: int) -> None:
    """Write down what one chunk or one batch of receipts told of a channel; nothing when it told nothing."""
    if any(counts.values()):
        ChannelPulse.objects.create(channel_id=channel_id, at=now, **counts)


def judge_all(*, now: datetime) -> list[int]:
    """Move the circuits of all open channels by their health; returns the channels that changed. May run anywhere."""
    channels = list(Channel.objects.filter(state=ChannelState.OPEN).order_by("id"))
    minute, ten = pulses(since=now - SUDDEN), pulses(since=now - ROLLING)
    changed, misses = [], {}
    for one in channels:
        standing, sudden, rolling = standing_of(one), minute.get(one.pk, Pulse()), ten.get(one.pk, Pulse())
        on_trial = one.circuit == Circuit.HALF_OPEN and one.circuit_since is not None
        trial = pulses(since=one.circuit_since).get(one.pk, Pulse()) if on_trial and one.circuit_since else Pulse()
        is_alone = _is_alone(one, channels)
        circuit, why = judge(standing, sudden=sudden, rolling=rolling, trial=trial, is_alone=is_alone, now=now)
        if circuit == one.circuit:
            misses[one.pk] = near_miss(standing, sudden=sudden, rolling=rolling, now=now)
            continue
        found = finding(sudden=sudden, rolling=rolling) if why not in ("", "TRIAL") else None
        if switch(channel=one, circuit=circuit, reason=why, now=now, found=found, is_alone=is_alone):
            changed.append(one.pk)
    channel_notes.follow(misses=misses, rolling=ten, now=now)
    ChannelPulse.objects.filter(at__lt=now - KEEP_PULSES).delete()
    return changed


def _is_alone(channel: Channel, channels: list[Channel]) -> bool:
    """Whether no other channel in traffic serves anything that this one serves."""
    return not any(
        other.pk != channel.pk and other.circuit == Circuit.CLOSED
        and _overlap(channel.tiers, other.tiers) and _overlap(channel.carriers, other.carriers)
        for other in channels
    )  # fmt: skip


def _overlap(some: list[str], others: list[str]) -> bool:
    return not some or not others or bool(set(some) & set(others))


@transaction.atomic
def switch(
    *, channel: Channel, circuit: str, reason: str, now: datetime, found: Finding | None = None, is_alone: bool = False,
) -> bool:  # fmt: skip
    """
    Move a circuit from where `channel` was read; False when somebody else moved it meanwhile.

    `found` and `is_alone` (nobody else can carry) only tell people why, and what comes next.
    """
    broken = circuit == Circuit.OPEN
    facts = {"broken_at": now if broken else None, "broken_reason": reason[:200] if broken else ""}
    if circuit == Circuit.HALF_OPEN:
        facts = {}  # the page still says why it was broken
    as_read = Channel.objects.filter(pk=channel.pk, circuit=channel.circuit, circuit_since=channel.circuit_since)
    if not as_read.update(circuit=circuit, circuit_since=now, **facts):
        return False
    channel_notes.note_move(channel=channel, circuit=circuit, reason=reason, found=found, is_alone=is_alone, now=now)
    log.warning("circuit_moved", extra={"channel": channel.code, "circuit": circuit, "why": reason})
    subject = f"delivery.channel:{channel.pk}"
    if broken:
        alerts.raise_alert(code="CHANNEL_BROKEN", subject=subject, now=now, channel=channel.name, why=reason)
    elif circuit == Circuit.CLOSED:
        alerts.clear(code="CHANNEL_BROKEN", subject=subject, now=now)
    return True


def break_now(*, channel_id: int, reason: str, now: datetime) -> None:
    """A provider's answer says that the whole channel is of no use now. A broken one stays as it is."""
    channel = Channel.objects.exclude(circuit=Circuit.OPEN).filter(pk=channel_id).first()
    if channel is not None:
        switch(channel=channel, circuit=Circuit.OPEN, reason=reason, now=now)
