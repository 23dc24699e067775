"""The circuits of channels: taken out of traffic, tried again, let back."""

import logging
from datetime import datetime, timedelta

from delivery.models import Channel, ChannelPulse, ChannelState, Circuit
from delivery.queries.channels import pulses, standing_of
from delivery.rules.health import ROLLING, SUDDEN, Pulse, judge
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
    sudden, rolling = pulses(since=now - SUDDEN), pulses(since=now - ROLLING)
    changed = []
    for one in channels:
        on_trial = one.circuit == Circuit.HALF_OPEN and one.circuit_since is not None
        trial = pulses(since=one.circuit_since).get(one.pk, Pulse()) if on_trial and one.circuit_since else Pulse()
        circuit, why = judge(
            standing_of(one), sudden=sudden.get(one.pk, Pulse()), rolling=rolling.get(one.pk, Pulse()), trial=trial,
            is_alone=_is_alone(one, channels), now=now,
        )  # fmt: skip
        if circuit != one.circuit and switch(channel=one, circuit=circuit, reason=why, now=now):
            changed.append(one.pk)
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


def switch(*, channel: Channel, circuit: str, reason: str, now: datetime) -> bool:
    """Move a circuit from where `channel` was read; False when somebody else moved it meanwhile."""
    broken = circuit == Circuit.OPEN
    facts = {"broken_at": now if broken else None, "broken_reason": reason[:200] if broken else ""}
    if circuit == Circuit.HALF_OPEN:
        facts = {}  # the page still says why it was broken
    as_read = Channel.objects.filter(pk=channel.pk, circuit=channel.circuit, circuit_since=channel.circuit_since)
    if not as_read.update(circuit=circuit, circuit_since=now, **facts):
        return False
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
