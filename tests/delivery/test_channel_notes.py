"""What is written down of circuits: moves, and once an episode what was seen and left."""

import threading
from datetime import timedelta

import pytest

from delivery.models import Channel, ChannelNote, ChannelPulse
from delivery.services import channel_notes, channels, circuits
from foundation.errors import HasMoved
from foundation.models import AuditEntry
from foundation.services.retention import apply_to
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, mobile
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")

TICK = timedelta(seconds=5)


def hear(channel: Channel, delivered: int, *, of: int = 500, at: timedelta = timedelta()) -> None:
    circuits.note(
        channel_id=channel.pk, now=NOON + at, delivered_count=delivered, undelivered_count=of - delivered,
        delay_seconds=of * 4,
    )  # fmt: skip


def noted() -> list[tuple[str, str, int]]:
    """Kind, reason and value of all notes, oldest first."""
    return [
        (one.kind, one.facts.get("why", ""), one.facts.get("value", 0)) for one in ChannelNote.objects.order_by("id")
    ]


def test_a_near_miss_is_told_once_an_episode_and_again_in_the_next():
    channel = make_channel()
    hear(channel, 440)
    for tick in range(6):
        circuits.judge_all(now=NOON + tick * TICK)
    assert noted() == [("NEAR", "ABOVE", 88)]

    later = timedelta(minutes=11)
    hear(channel, 495, at=later)
    for tick in range(6):
        circuits.judge_all(now=NOON + later + tick * TICK)
    assert [kind for kind, *_ in noted()] == ["NEAR", "WELL"]

    hear(channel, 400, at=2 * later)
    circuits.judge_all(now=NOON + 2 * later)

    assert noted()[2:] == [("NEAR", "ABOVE", 80)]
    assert ChannelNote.objects.get(kind="WELL").facts == {"receipts": 500, "delivered_percent": 99, "mean_delay": 4}


def test_a_channel_that_does_well_and_one_that_says_nothing_are_not_written_about():
    hear(make_channel("well"), 495)
    make_channel("silent")

    circuits.judge_all(now=NOON)

    assert noted() == []


def test_moves_are_written_down_with_their_numbers_and_end_the_episode():
    ill, _other = make_channel("ill"), make_channel("other")
    hear(ill, 440)
    circuits.judge_all(now=NOON)
    hear(ill, 0, of=2_000)
    circuits.judge_all(now=NOON + TICK)
    circuits.judge_all(now=NOON + TICK + timedelta(minutes=10))
    for _call in range(3):
        ChannelPulse.objects.create(
            channel_id=ill.pk, at=NOON + timedelta(minutes=11), accepted_count=20, delivered_count=20
        )
    circuits.judge_all(now=NOON + timedelta(minutes=11))

    assert noted() == [("NEAR", "ABOVE", 88), ("BROKEN", "DELIVERY", 17), ("TRIAL", "", 0), ("BACK", "", 0)]
    broken = ChannelNote.objects.get(kind="BROKEN")
    assert broken.facts == {
        "what": "DELIVERY", "minutes": 1, "value": 17, "line": 40, "count": 2_500, "why": "DELIVERY", "is_alone": False,
    }  # fmt: skip


def test_the_only_channel_says_that_nobody_else_can_carry():
    hear(make_channel(), 0)

    circuits.judge_all(now=NOON)

    assert ChannelNote.objects.get().facts["is_alone"] is True


def test_a_switch_that_came_too_late_writes_nothing():
    channel = make_channel()
    Channel.objects.update(circuit="HALF_OPEN", circuit_since=NOON)

    assert not circuits.switch(channel=channel, circuit="OPEN", reason="DELIVERY", now=NOON)

    assert not ChannelNote.objects.exists()


def sweep_twice(race, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Two sweepers who have both looked before either writes."""
    hear(make_channel(), 440)
    meeting, newest = threading.Barrier(2, timeout=20), channel_notes._append

    def together(*arguments: object) -> None:
        meeting.wait()
        newest(*arguments)

    monkeypatch.setattr(channel_notes, "_append", together)
    _changed, faults = race(lambda _number: circuits.judge_all(now=NOON), 2)
    return faults


@pytest.mark.race
def test_two_sweepers_write_one_note(race, monkeypatch: pytest.MonkeyPatch):
    assert sweep_twice(race, monkeypatch) == []

    assert noted() == [("NEAR", "ABOVE", 88)]


@pytest.mark.race
def test_negative_control_sweepers_who_do_not_look_again_write_two(race, monkeypatch: pytest.MonkeyPatch):
    def careless(channel_id: int, _seen: object, kind: str, facts: dict[str, object], now: object) -> None:
        ChannelNote.objects.create(channel_id=channel_id, at=now, kind=kind, facts=facts)

    monkeypatch.setattr(channel_notes, "_append", careless)

    assert sweep_twice(race, monkeypatch) == []

    assert len(noted()) == 2


def test_notes_are_kept_for_ninety_days():
    channel = make_channel()
    for days in (91, 89):
        ChannelNote.objects.create(channel=channel, at=NOON - timedelta(days=days), kind="TRIAL")

    assert apply_to("delivery.ChannelNote", now=NOON) == 1

    assert ChannelNote.objects.get().at == NOON - timedelta(days=89)


def test_what_a_provider_took_is_counted_in_parts(provider: FakeProvider):
    make_channel()
    add_people(make_dispatch(), [mobile(number) for number in range(3)])

    pump_all()

    assert ChannelPulse.objects.get().part_count == 3


def test_staff_may_say_why_and_need_not():
    channel, operator = make_channel(), make_operator()
    channels.set_state(channel_id=channel.pk, state="DRAINED", by=operator, now=NOON, reason="对方割接")
    channels.set_state(channel_id=channel.pk, state="OPEN", by=operator, now=NOON)

    details = AuditEntry.objects.order_by("id").values_list("action", "detail")

    assert list(details) == [("channel.drained", {"reason": "对方割接"}), ("channel.open", {})]


def test_a_simulated_channel_is_added_once():
    operator = make_operator()
    channels.add_simulator(by=operator, now=NOON)

    with pytest.raises(HasMoved):
        channels.add_simulator(by=operator, now=NOON)

    assert Channel.objects.get().is_simulator and AuditEntry.objects.get().action == "channel.added"
