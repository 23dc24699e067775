"""Which channel carries what: tiers, carriers, hours, quota, policy, circuit."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from delivery.models import CalendarDay, Channel, ChannelDay, ChannelPulse, Circuit, Route
from delivery.rules.categories import Category
from delivery.rules.window import day_of
from delivery.services import circuits, gate, pump
from foundation.models import Alert
from foundation.services import alerts
from tests.delivery.ledgers import assert_counts_hold, message, pump_all, states
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_version, mobile
from tests.fakes.provider import FakeProvider, not_submitted, refuse

pytestmark = pytest.mark.usefixtures("committed")

UNICOM, TELECOM = "130", "189"


def carried_by(ids: list[int]) -> list[int | None]:
    return [message(one).channel_id for one in ids]


def test_each_carriers_numbers_go_over_the_channels_that_serve_it(provider: FakeProvider):
    unicom = make_channel("unicom", carriers=["UNICOM"])
    rest = make_channel("rest", carriers=["MOBILE", "TELECOM"])
    dispatch = make_dispatch()
    ids = add_people(dispatch, [mobile(1, UNICOM), mobile(2), mobile(3, TELECOM), mobile(4, "192")])

    pump_all()

    assert carried_by(ids) == [unicom.pk, rest.pk, rest.pk, None]
    assert message(ids[3]).state == "PLANNED"  # nobody serves it; nobody behind it waits
    assert_counts_hold(dispatch, 4)


def test_a_channel_carries_only_its_tiers(provider: FakeProvider):
    codes = make_channel("codes", tiers=["VERIFICATION", "NOTICE"])
    dispatch, notice = make_dispatch(), make_dispatch(tier="NOTICE")
    add_people(dispatch, [mobile(1)])
    [one] = add_people(notice, [mobile(2)], version=make_version("您的积分将到期。", tier="NOTICE"))

    pump_all()
    pump_all(lane="urgent")

    assert states(dispatch) == {"PLANNED": 1}
    assert message(one).channel_id == codes.pk


def test_a_channel_keeps_its_own_hours(provider: FakeProvider):
    make_channel(opens_at_minute=780, closes_at_minute=840)  # 13:00 to 14:00
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])

    pump_all(now=NOON)
    assert states(dispatch) == {"PLANNED": 1}
    pump_all(now=NOON + timedelta(hours=2))
    assert states(dispatch) == {"PLANNED": 1}
    pump_all(now=NOON + timedelta(hours=1))
    assert states(dispatch) == {"ACCEPTED": 1}


def test_the_daily_quota_is_never_exceeded_and_the_rest_goes_tomorrow(provider: FakeProvider):
    make_channel(daily_quota=100, batch_size=30)
    dispatch = make_dispatch(expires_at=NOON + timedelta(days=3))
    add_people(dispatch, [mobile(n) for n in range(60)], version=make_version("好" * 120))  # two parts each

    pump_all()
    used = ChannelDay.objects.get()
    assert used.part_count <= 100 and used.part_count == 2 * states(dispatch)["ACCEPTED"]
    assert used.part_count > 100 - 10 - 2  # no whole message of ten parts would fit any more
    pump_all(now=NOON + timedelta(days=1))

    assert states(dispatch) == {"ACCEPTED": 60}
    assert_counts_hold(dispatch, 60)


def test_refused_parts_come_back_to_the_quota(provider: FakeProvider):
    make_channel(daily_quota=100)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(5)])
    provider.script = [refuse("NUMBER", "BAD")]

    pump_all()

    assert ChannelDay.objects.get().part_count == 0


@pytest.mark.race
def test_negative_control_a_quota_read_and_written_apart_is_exceeded(provider: FakeProvider, race, monkeypatch):
    channel = make_channel(daily_quota=100)
    add_people(make_dispatch(), [mobile(n) for n in range(4)], version=make_version("好" * 570))  # nine parts each
    ChannelDay.objects.create(channel_id=channel.pk, day=day_of(NOON), part_count=85)
    meeting = threading.Barrier(4, timeout=20)

    def spend(_chunk, parts: int, *, now) -> bool:
        used = ChannelDay.objects.get()
        meeting.wait()
        if used.part_count + parts > 100:
            return False
        return bool(ChannelDay.objects.update(part_count=F("part_count") + parts))

    monkeypatch.setattr(gate, "_spend_quota", spend)
    monkeypatch.setattr(gate, "_lock_quota", lambda _chunk, now: None)
    _done, faults = race(lambda _number: pump.send_chunk(lane="bulk", clock=lambda: NOON), 4)

    assert faults == [] and len(provider.phones) == 4
    assert ChannelDay.objects.get().part_count == 85 + 4 * 9


@pytest.mark.race
def test_eight_workers_stay_within_the_quota(provider: FakeProvider, race):
    make_channel(daily_quota=100, batch_size=7)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(300)])

    _taken, faults = race(lambda _number: pump_all(), 8)

    assert faults == []
    assert ChannelDay.objects.get().part_count == states(dispatch)["ACCEPTED"] <= 100
    assert_counts_hold(dispatch, 300)


def test_cheapest_first_and_best_first(provider: FakeProvider):
    dear = make_channel("dear", price=500, weight=1_000)
    cheap = make_channel("cheap", price=300, weight=1)
    for channel, delivered in ((dear, 99), (cheap, 60)):
        circuits.note(channel_id=channel.pk, now=NOON, delivered_count=delivered, undelivered_count=100 - delivered)
    dispatch = make_dispatch()
    route = Route.objects.create(tier="MARKETING", policy="CHEAPEST")
    first = add_people(dispatch, [mobile(1)])
    pump_all()
    Route.objects.filter(pk=route.pk).update(policy="QUALITY")
    second = add_people(dispatch, [mobile(2)])
    pump_all()

    assert (carried_by(first), carried_by(second)) == ([cheap.pk], [dear.pk])


def test_a_channel_that_cannot_be_reached_hands_over_to_another_within_the_minute(provider: FakeProvider):
    ill, well = make_channel("ill", weight=1_000), make_channel("well", weight=1)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(30)])
    provider.script = [not_submitted] * 3

    for seconds in (0, 5, 15):
        pump_all(now=NOON + timedelta(seconds=seconds))
        circuits.judge_all(now=NOON + timedelta(seconds=seconds))
    pump_all(now=NOON + timedelta(seconds=45))

    assert Channel.objects.get(pk=ill.pk).circuit == Circuit.OPEN
    assert states(dispatch) == {"ACCEPTED": 30}
    assert message(provider_reference(provider)).channel_id == well.pk


def provider_reference(provider: FakeProvider) -> int:
    return int(provider.calls[-1][0].reference.split("-")[1])


def _ail(channel: Channel) -> None:
    for _call in range(3):
        circuits.note(channel_id=channel.pk, now=NOON, failed_count=10)


def test_the_sweep_breaks_tries_and_heals_a_channel(provider: FakeProvider):
    ill, well = make_channel("ill"), make_channel("well")
    _ail(ill)

    assert circuits.judge_all(now=NOON) == [ill.pk]
    assert Alert.objects.filter(closed_at=None).count() == 1
    assert circuits.judge_all(now=NOON + timedelta(minutes=9)) == []
    assert circuits.judge_all(now=NOON + timedelta(minutes=10)) == [ill.pk]
    assert Channel.objects.get(pk=ill.pk).circuit == Circuit.HALF_OPEN
    circuits.note(channel_id=ill.pk, now=NOON + timedelta(minutes=11), accepted_count=25, delivered_count=20)
    assert circuits.judge_all(now=NOON + timedelta(minutes=11)) == [ill.pk]

    ill.refresh_from_db()
    assert (ill.circuit, ill.broken_at, ill.broken_reason) == (Circuit.CLOSED, None, "")
    assert not Alert.objects.filter(closed_at=None).exists()
    assert Channel.objects.get(pk=well.pk).circuit_since is None


def test_a_channel_on_its_own_is_tried_again_after_a_minute(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(40)])
    provider.script = [refuse(Category.CHANNEL, "403")]
    pump_all()

    circuits.judge_all(now=NOON + timedelta(seconds=59))
    assert pump_all(now=NOON + timedelta(seconds=59)) == 0
    circuits.judge_all(now=NOON + timedelta(seconds=60))
    pump_all(now=NOON + timedelta(seconds=61))
    circuits.judge_all(now=NOON + timedelta(seconds=62))

    assert states(dispatch) == {"ACCEPTED": 40}
    assert Channel.objects.get().circuit == Circuit.CLOSED


def test_old_pulses_are_cleared_away():
    channel = make_channel()
    circuits.note(channel_id=channel.pk, now=NOON - timedelta(hours=2), accepted_count=1)
    circuits.note(channel_id=channel.pk, now=NOON, accepted_count=1)

    circuits.judge_all(now=NOON)

    assert ChannelPulse.objects.get().at == NOON


def test_negative_control_sweepers_who_judge_and_then_write_tell_it_twice(race, monkeypatch: pytest.MonkeyPatch):
    ill = make_channel("ill")
    make_channel("well")
    _ail(ill)
    meeting = threading.Barrier(2, timeout=20)

    def careless(*, channel: Channel, circuit: str, now: datetime, **_why: Any) -> bool:
        meeting.wait()
        Channel.objects.filter(pk=channel.pk).update(circuit=circuit, circuit_since=now)
        alerts.raise_alert(code="CHANNEL_BROKEN", subject=f"delivery.channel:{channel.pk}", now=now)
        return True

    monkeypatch.setattr(circuits, "switch", careless)
    changed, faults = race(lambda _number: circuits.judge_all(now=NOON), 2)

    assert (faults, changed) == ([], [[ill.pk], [ill.pk]])
    assert Alert.objects.get().times_count == 2


def test_two_sweepers_who_judge_at_once_move_a_circuit_once(race):
    ill = make_channel("ill")
    make_channel("well")
    _ail(ill)

    changed, faults = race(lambda _number: circuits.judge_all(now=NOON), 4)

    assert faults == []
    assert Alert.objects.get().times_count == sum(len(one) for one in changed) == 1


@pytest.mark.parametrize(
    "facts", [{"opens_at_minute": 600, "closes_at_minute": 600}, {"closes_at_minute": 1441}, {"parts_per_second": 0}]
)
def test_a_channel_that_could_never_send_is_refused(facts):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_channel(**facts)


def test_a_blackout_day_keeps_marketing_at_home(provider: FakeProvider):
    CalendarDay.objects.create(day=NOON.date(), kind="BLACKOUT", name="年会")
    make_channel()
    dispatch = make_dispatch(expires_at=NOON + timedelta(days=3))
    notice = make_dispatch(tier="NOTICE")
    add_people(dispatch, [mobile(1)])
    add_people(notice, [mobile(2)], version=make_version("您的积分将到期。", tier="NOTICE"))

    pump_all()
    pump_all(lane="urgent")
    assert (states(dispatch), states(notice)) == ({"PLANNED": 1}, {"ACCEPTED": 1})
    pump_all(now=datetime(2026, 11, 20, 23, 59, tzinfo=UTC))  # 07:59 in Shanghai
    assert states(dispatch) == {"PLANNED": 1}
    pump_all(now=datetime(2026, 11, 21, 0, 0, tzinfo=UTC))
    assert states(dispatch) == {"ACCEPTED": 1}
