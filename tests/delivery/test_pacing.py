"""The token bucket, in Valkey and in the database; shared by all who send on a channel."""

import time

import pytest
from django.conf import settings as django_settings

from delivery.models import ChannelBucket
from delivery.services import pacing
from foundation.db import execute
from tests.delivery.ledgers import choose, pump_all, states
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_version, mobile
from tests.fakes.provider import FakeProvider, refuse

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(params=["valkey", "database", "valkey away"])
def store(request: pytest.FixtureRequest, settings) -> str:
    """Where the bucket is: in Valkey, in the database without one, in the database because Valkey does not answer."""
    if request.param == "database":
        settings.CACHE_URL = "locmem://local"
    if request.param == "valkey away":
        settings.CACHE_URL = "redis://127.0.0.1:1/0"
    assert request.param != "valkey" or django_settings.CACHE_URL.startswith("redis")
    return request.param


def test_a_bucket_holds_one_second_and_then_says_how_long_to_wait(store):
    channel = make_channel(parts_per_second=50)

    granted, wait = pacing.reserve(channel=channel, parts=200, is_urgent=True)
    nothing, longer = pacing.reserve(channel=channel, parts=200, is_urgent=True)

    assert (granted, wait) == (50, 0)
    assert nothing <= 1 and (nothing or 0 < longer <= 0.02)
    assert (ChannelBucket.objects.count() == 1) is (store != "valkey")


def test_bulk_leaves_a_tenth_to_codes_and_notices(store):
    channel = make_channel(parts_per_second=50)

    assert pacing.reserve(channel=channel, parts=200)[0] == 45
    assert pacing.reserve(channel=channel, parts=200, is_urgent=True)[0] in (5, 6)


def test_what_was_longer_than_reserved_is_charged_and_what_stayed_goes_back(store):
    channel = make_channel(parts_per_second=50)
    assert pacing.reserve(channel=channel, parts=20, is_urgent=True)[0] == 20
    pacing.charge(channel=channel, parts=130)

    nothing, wait = pacing.reserve(channel=channel, parts=1, is_urgent=True)
    pacing.charge(channel=channel, parts=-130)

    assert nothing == 0 and 1 < wait <= 2.1
    assert pacing.reserve(channel=channel, parts=20, is_urgent=True)[0] == 20


def test_a_share_of_the_speed_is_a_smaller_bucket(store):
    channel = make_channel(parts_per_second=100)

    assert pacing.reserve(channel=channel, parts=200, percent=5, is_urgent=True)[0] == 5


def test_bulk_waits_for_half_a_chunk_and_not_for_a_single_part(store):
    channel = make_channel(parts_per_second=20)
    assert pacing.reserve(channel=channel, parts=10)[0] == 10
    assert pacing.reserve(channel=channel, parts=10)[0] == 8
    nothing, wait = pacing.reserve(channel=channel, parts=10)

    assert nothing == 0 and 0.15 < wait <= 0.25  # five parts
    time.sleep(0.1)
    assert pacing.reserve(channel=channel, parts=10)[0] == 0
    assert pacing.reserve(channel=channel, parts=10, is_urgent=True)[0] >= 1


def test_even_one_part_a_minute_comes_through(store):
    channel = make_channel(parts_per_second=1)

    assert pacing.reserve(channel=channel, parts=5, percent=5)[0] == 1
    nothing, wait = pacing.reserve(channel=channel, parts=5, percent=5)
    assert nothing == 0 and wait > 15


def test_a_throttled_channel_rests(provider: FakeProvider):
    channel = make_channel(parts_per_second=1_000)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    provider.script = [refuse("THROTTLE", "429")]
    choose_and_send = pump_all()

    assert choose_and_send == 1
    assert pacing.reserve(channel=channel, parts=1, is_urgent=True)[0] == 0


def test_eight_workers_share_one_bucket(store, race):
    channel = make_channel(parts_per_second=200)

    taken, faults = race(lambda _number: pacing.reserve(channel=channel, parts=100, is_urgent=True)[0], 8)

    assert faults == []
    assert 200 <= sum(taken) < 300  # one second's worth, and what ran in while they asked


def test_negative_control_a_bucket_read_and_written_apart_gives_everybody_all(race, settings):
    settings.CACHE_URL = "locmem://local"
    channel = make_channel(parts_per_second=200)
    pacing.reserve(channel=channel, parts=1, is_urgent=True)

    def careless(_number: int) -> int:
        level = ChannelBucket.objects.get().level
        time.sleep(0.2)
        execute("UPDATE delivery_channelbucket SET level = %(rest)s", {"rest": level - 100})
        return 100

    taken, faults = race(careless, 8)

    assert faults == []
    assert sum(taken) == 800


def test_parts_count_not_people(provider: FakeProvider):
    channel = make_channel(parts_per_second=90, batch_size=30)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(30)], version=make_version("好" * 120))
    pump_all()

    assert states(dispatch) == {"ACCEPTED": 30}
    # Thirty people of two parts each were charged sixty of the ninety.
    assert pacing.reserve(channel=channel, parts=90, is_urgent=True)[0] < 60


def test_what_the_gate_keeps_back_costs_no_tokens(provider: FakeProvider):
    channel = make_channel(parts_per_second=40)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(20)], consent="OPTED_OUT")
    pump_all()

    assert pacing.reserve(channel=channel, parts=90, is_urgent=True)[0] == 40


def test_a_worker_without_room_waits_holding_nothing(provider: FakeProvider):
    make_channel(parts_per_second=20)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(30)])

    pump_all()

    assert states(dispatch) == {"ACCEPTED": 30}
    assert len(provider.calls) >= 2


def test_a_dry_channel_passes_its_turn_to_another(provider: FakeProvider):
    slow = make_channel("slow", parts_per_second=1, weight=10_000)
    fast = make_channel("fast", weight=1)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(50)])

    chunk = choose(now=NOON)
    while chunk is not None and chunk.channel == slow:
        chunk = choose(now=NOON)

    assert chunk is not None and chunk.channel == fast
