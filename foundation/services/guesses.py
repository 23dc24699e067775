"""
Public links are random; whoever tries many that never existed is guessing and has to wait.

Counted is what looks like a token and is none. A link that was cut short or typed wrong cannot hit anything, and a
phone's network hides thousands of members behind one address: such slips must not shut them out together.
"""

import ipaddress
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import salted_hmac

from foundation.cache import AWAY, count, is_first
from foundation.services.alerts import raise_alert
from foundation.tokens import could_be_token

log = logging.getLogger(__name__)

# An address, and the network around it: what one household or one rented server holds.
NEAR = {4: 32, 6: 64}
WIDE = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in which a network may try `limit` wrong tokens."""

    key: str
    limit: int
    seconds: int
    ends_in: int


def wait_seconds(*, address: str, now: datetime) -> int:
    """
    How long an address has to wait before it may open any public link; 0 when it may.

    When the counters cannot be read it may: the token itself guards, and a member at a till must see the coupon.
    """
    windows = _windows(address, now)
    try:
        counts = cache.get_many([window.key for window in windows])
    except AWAY:
        log.warning("cache_away")
        return 0
    return max((one.ends_in for one in windows if counts.get(one.key, 0) >= one.limit), default=0)


def note(*, address: str, token: str, now: datetime) -> None:
    """
    Count a token that never existed, once per address and token; a network's last try opens an alert.

    A slip is counted beside, where nobody looks: its answer must not come sooner.
    """
    near, wide = _windows(address, now)
    if not could_be_token(token):
        near, wide = replace(near, key=f"{near.key}:slips"), replace(wide, key=f"{wide.key}:slips", limit=0)
    mark = salted_hmac("foundation.guess", token, algorithm="sha256").hexdigest()[:16]
    if not is_first(f"{near.key}:{mark}", seconds=near.seconds):
        return  # a page loaded again is no second try
    count(near.key, seconds=near.seconds)
    is_full = count(wide.key, seconds=wide.seconds) == wide.limit
    if is_full:
        net = _network(address, WIDE)
        raise_alert(code="LINK_GUESSING", subject=f"network:{net}", now=now, network=net, count=wide.limit)


def _windows(address: str, now: datetime) -> tuple[Window, Window]:
    near = _window("near", _network(address, NEAR), settings.GUESSES_PER_ADDRESS, 600, now)
    return near, _window("wide", _network(address, WIDE), settings.GUESSES_PER_NETWORK, 86_400, now)


def _window(name: str, network: str, limit: int, seconds: int, now: datetime) -> Window:
    number, passed = divmod(int(now.timestamp()), seconds)
    return Window(f"guess:{name}:{network}:{number}", limit, seconds, seconds - passed)


def _network(address: str, lengths: dict[int, int]) -> str:
    """The network of an address; what is no address counts as one of its own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((found, lengths[found.version]), strict=False))
