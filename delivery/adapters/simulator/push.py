"""Tells the console what is due: receipts and replies, pushed to the address it gave with its last call."""

import threading
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import httpx

from delivery.adapters.simulator.carrier import Carrier
from delivery.adapters.simulator.memory import Due

PUSH_LIMIT: Final = 500
PUSH_SECONDS: Final = 5.0
EARLY_SECONDS: Final = 1.0  # an early receipt holds the call's own answer up
IDLE_SECONDS: Final = 0.1


class Pusher:
    """Pushes for one carrier. Safe to use from several threads."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._client = httpx.Client(timeout=PUSH_SECONDS, trust_env=False)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def push_due(self) -> int:
        """Tell what is due; what is not taken is told again later. Returns how many were taken."""
        return self.push(self._carrier.due(limit=PUSH_LIMIT))

    def push(self, due: Sequence[Due], *, seconds: float = PUSH_SECONDS) -> int:
        """Tell these, one call for each channel and kind. Returns how many were taken."""
        kinds = sorted(due, key=_address)  # stable: a disorder inside a kind stays
        return sum(self._push(*key, list(told), seconds) for key, told in groupby(kinds, key=_address))

    def _push(self, channel: str, kind: str, told: list[Due], seconds: float) -> int:
        if self._is_taken(channel, kind, told, seconds):
            self._carrier.told(told)
            return len(told)
        self._carrier.unheard(told)
        return 0

    def _is_taken(self, channel: str, kind: str, told: list[Due], seconds: float) -> bool:
        body = f'{{"{kind}": [{",".join(one.body for one in told)}]}}'
        address = f"{self._carrier.callback(channel)}/{kind}/"
        headers = {"Content-Type": "application/json"}
        try:
            answer = self._client.post(address, content=body.encode(), headers=headers, timeout=seconds)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.status_code < 500


def _address(due: Due) -> tuple[str, str]:
    return due.channel, due.kind


def push_for_ever(*, carrier: Carrier, stop: threading.Event) -> None:
    """Tell the console what is due, until `stop` is set."""
    pusher = Pusher(carrier)
    while not stop.is_set():
        if not pusher.push_due():
            stop.wait(IDLE_SECONDS)
    pusher.close()
