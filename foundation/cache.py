"""The shared cache, which may be away: whatever it holds can be made again."""

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

AWAY: Final = (RedisError, OSError)  # what a cache that can't be reached raises
Value = TypeVar("Value")


def kept(name: str, make: Callable[[], Value], *, seconds: int) -> Value:
    """What was made under a name within the last seconds, else made now; also made now while the cache is away."""
    try:
        found: Any = cache.get(name)
        if found is None:
            found = make()
            cache.set(name, found, seconds)
    except AWAY:
        log.warning("cache_away")
        return make()
    value: Value = found
    return value


def is_first(name: str, *, seconds: int) -> bool:
    """Whether this name was not asked for within the last seconds; always while the cache is away."""
    try:
        return bool(cache.add(name, 1, seconds))
    except AWAY:
        log.warning("cache_away")
        return True


def count(name: str, *, seconds: int) -> int:
    """How often this name was asked for since the first time, at most `seconds` ago; 0 while the cache is away."""
    try:
        cache.add(name, 0, seconds)
        return int(cache.incr(name))
    except (*AWAY, ValueError):  # it ended between the two
        log.warning("cache_away")
        return 0
