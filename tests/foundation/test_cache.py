"""What the shared cache holds is made again when it is away: no page and no call depends on it."""

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisAway

from foundation.cache import count, is_first, kept


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def away(monkeypatch):
    def refuse(*_args, **_more):
        raise RedisAway

    for name in ("get", "set", "add", "incr"):
        monkeypatch.setattr(cache, name, refuse)


def test_it_keeps_what_was_made_until_it_ends():
    made = iter([[1], [2], [3]])
    assert [kept("a", lambda: next(made), seconds=60) for _ in range(2)] == [[1], [1]]
    assert kept("b", lambda: next(made), seconds=60) == [2]
    cache.clear()
    assert kept("a", lambda: next(made), seconds=60) == [3]


def test_who_comes_first_and_how_often():
    assert [is_first("a", seconds=60), is_first("a", seconds=60), is_first("b", seconds=60)] == [True, False, True]
    assert [count("c", seconds=60) for _ in range(3)] == [1, 2, 3]


@pytest.mark.usefixtures("away")
def test_while_it_is_away_everything_is_made_anew():
    made = iter([1, 2])
    assert [kept("a", lambda: next(made), seconds=60) for _ in range(2)] == [1, 2]
    assert [is_first("a", seconds=60) for _ in range(2)] == [True, True]
    assert [count("a", seconds=60) for _ in range(2)] == [0, 0]


def test_a_fault_of_our_own_is_no_outage():
    with pytest.raises(ZeroDivisionError):
        kept("a", lambda: 1 // 0, seconds=60)
