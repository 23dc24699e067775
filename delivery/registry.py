"""From a channel row to the adapter that speaks to its provider."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.conf import settings

from delivery.adapters.simulator.adapter import SimulatorAdapter
from delivery.models import Channel
from delivery.port import Adapter


def _simulator(channel: Channel) -> Adapter:
    return SimulatorAdapter(
        base_url=settings.SIMULATOR_URL,
        channel=channel.code,
        callback=f"{settings.WEB_URL}/hooks/{channel.webhook_token}",
        timeout_seconds=settings.VENDOR_TIMEOUT_SECONDS,
    )


VENDORS: Final[dict[str, Callable[[Channel], Adapter]]] = {"simulator": _simulator}

_adapters: dict[tuple[int, str], Adapter] = {}
_stand_ins: ContextVar[Mapping[int, Adapter] | None] = ContextVar("stand_ins", default=None)


@contextmanager
def instead(adapters: Mapping[int, Adapter]) -> Iterator[None]:
    """In this thread, and in no other, speak to these adapters by channel id and to no real provider."""
    token = _stand_ins.set(adapters)
    try:
        yield
    finally:
        _stand_ins.reset(token)


def adapter_for(channel: Channel) -> Adapter:
    """The adapter of a channel, made once a process and kept with its connections."""
    stand_ins = _stand_ins.get()
    if stand_ins is not None:
        return stand_ins[channel.pk]
    key = (channel.pk, f"{channel.vendor} {channel.webhook_token} {channel.config}")
    if key not in _adapters:
        _adapters[key] = VENDORS[channel.vendor](channel)
    return _adapters[key]
