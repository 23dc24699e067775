"""How much money is left with each provider."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from delivery.models import Channel, ChannelState
from delivery.port import NotSubmitted
from delivery.registry import adapter_for
from foundation.services import alerts

log = logging.getLogger(__name__)


def ask_all(*, clock: Callable[[], datetime]) -> int:
    """Ask every provider that tells for its balance, and warn where little is left; returns how many told."""
    if connection.in_atomic_block:
        raise RuntimeError("A provider is never called inside a transaction.")
    told = 0
    for channel in Channel.objects.exclude(state=ChannelState.DISABLED).order_by("id"):
        balance = _ask(channel)
        if balance is not None:
            note(channel=channel, balance=balance, now=clock())
            told += 1
    return told


def _ask(channel: Channel) -> int | None:
    try:
        return adapter_for(channel).balance()
    except NotSubmitted:
        log.warning("balance_unknown", extra={"channel": channel.code})
        return None


def note(*, channel: Channel, balance: int, now: datetime) -> None:
    """Keep a balance (1/10000 yuan) and open or clear its alert."""
    Channel.objects.filter(pk=channel.pk).update(balance=balance)
    subject = f"delivery.channel:{channel.pk}"
    if channel.balance_alert is not None and balance < channel.balance_alert:
        alerts.raise_alert(code="BALANCE_LOW", subject=subject, now=now, channel=channel.name, balance=balance)
    else:
        alerts.clear(code="BALANCE_LOW", subject=subject, now=now)
