"""
The token bucket of each channel, counted in parts and shared by all workers on all hosts.

It lives in Valkey as one atomic script; while Valkey is away, or none is configured, in a row of the database.
A bucket holds one second of its channel's speed and fills by the clock of the store, not of the worker.
"""

import logging
import time
from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from delivery.models import Channel
from delivery.rules.pace import bounds
from foundation.db import execute, fetch_all

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
SLOW_DOWN_SECONDS = 2

# KEYS[1] the bucket; ARGV parts per second, parts wanted, parts that must stay, the least to grant. The level may be
# below zero: a chunk that turned out longer than reserved is charged afterwards. Answers parts granted and
# milliseconds to wait.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local rate, wanted, stay, least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local capacity = math.max(rate, 1)
local level, at = tonumber(kept[1]) or capacity, tonumber(kept[2]) or now
level = math.min(capacity, level + math.max(0, now - at) * rate / 1000)
local granted, wait = 0, 0
if level - stay >= least then granted = math.min(wanted, math.floor(level - stay))
else wait = math.ceil((stay + least - level) / rate * 1000) end
redis.call('HSET', KEYS[1], 'level', level - granted, 'at', now)
redis.call('PEXPIRE', KEYS[1], 600000)
return {granted, wait}
"""

RESERVE = """
WITH filled AS (
    SELECT channel_id, LEAST(GREATEST(%(rate)s::numeric, 1), level + %(rate)s::numeric *
           GREATEST(0, extract(epoch FROM clock_timestamp() - at))) AS level
    FROM delivery_channelbucket WHERE channel_id = %(channel_id)s FOR UPDATE
), granted AS (
    SELECT channel_id, level,
           CASE WHEN level - %(stay)s >= %(least)s THEN LEAST(%(wanted)s, floor(level - %(stay)s)) ELSE 0 END::int
               AS parts
    FROM filled
)
UPDATE delivery_channelbucket b SET level = g.level - g.parts, at = clock_timestamp()
FROM granted g WHERE b.channel_id = g.channel_id
RETURNING g.parts, CASE WHEN g.parts > 0 THEN 0
                   ELSE ceil((%(stay)s + %(least)s - g.level) / %(rate)s::numeric * 1000) END::int
"""
FIRST = """
INSERT INTO delivery_channelbucket (channel_id, level, at)
VALUES (%(channel_id)s, GREATEST(%(rate)s::numeric, 1), clock_timestamp()) ON CONFLICT (channel_id) DO NOTHING
"""
CHARGE = "UPDATE delivery_channelbucket SET level = level - %(parts)s WHERE channel_id = %(channel_id)s"


def reserve(*, channel: Channel, parts: int, percent: int = 100, is_urgent: bool = False) -> tuple[int, float]:
    """
    Ask for up to `parts` (at least 1) of a channel's bucket; returns the parts granted and, when none, the seconds
    to wait for enough of them (`rules.pace`).

    `percent` is the share of its speed that the channel may use now.
    """
    rate = channel.parts_per_second * percent / 100
    stay, least = bounds(rate, parts, is_urgent=is_urgent)
    facts = {"channel_id": channel.pk, "rate": rate, "wanted": parts, "stay": stay, "least": least}
    granted, wait = _try_valkey(_reserve_in_valkey, facts) or _reserve_in_database(facts)
    return granted, wait / 1000


def charge(*, channel: Channel, parts: int) -> None:
    """Correct a reservation by what was really handed over; negative parts go back into the bucket."""
    if parts:
        facts = {"channel_id": channel.pk, "parts": parts}
        if _try_valkey(_charge_in_valkey, facts) is None:
            execute(CHARGE, facts)


def slow_down(*, channel: Channel) -> None:
    """The provider says too fast: nobody sends on this channel for about SLOW_DOWN_SECONDS."""
    charge(channel=channel, parts=SLOW_DOWN_SECONDS * channel.parts_per_second)


def sleep(seconds: float) -> None:
    """Let a bucket fill."""
    time.sleep(seconds)


@cache
def _valkey(url: str) -> Any:
    """The client and the registered script; None without a Valkey."""
    if not url.startswith("redis"):
        return None
    client = Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    return client, client.register_script(SCRIPT)


def _try_valkey(ask: Any, facts: dict[str, Any]) -> tuple[int, int] | None:
    found = _valkey(settings.CACHE_URL)
    if found is None:
        return None
    try:
        answer: tuple[int, int] = ask(*found, **facts)
    except RedisError as away:
        log.warning("pace_store_away", extra={"channel_id": facts["channel_id"], "kind": type(away).__name__})
        return None
    return answer


def _key(channel_id: int) -> str:
    return f"pace:{channel_id}"


def _reserve_in_valkey(
    _client: Any, script: Any, *, channel_id: int, rate: float, wanted: int, stay: int, least: int
) -> tuple[int, int]:
    granted, wait = script(keys=[_key(channel_id)], args=[rate, wanted, stay, least])
    return int(granted), int(wait)


def _charge_in_valkey(client: Any, _script: Any, *, channel_id: int, parts: int) -> tuple[int, int]:
    client.hincrbyfloat(_key(channel_id), "level", -parts)
    return 0, 0


def _reserve_in_database(facts: dict[str, Any]) -> tuple[int, int]:
    rows = fetch_all(RESERVE, facts)
    if not rows:
        execute(FIRST, facts)
        rows = fetch_all(RESERVE, facts)
    granted, wait = rows[0]
    return granted, wait
