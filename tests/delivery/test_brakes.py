"""The red button."""

import threading

import pytest
from django.db import connection

from delivery.models import Brake, Channel, Dispatch, Handoff
from delivery.services import brakes, gate, take
from foundation.db import fetch_all
from foundation.errors import HasMoved
from foundation.models import AuditEntry
from tests.delivery.ledgers import assert_counts_hold, choose, is_queued, message, pass_gate, pump_all, states
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, make_version, mobile
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")


def test_all_sending_is_held_and_goes_on_with_the_exact_next_person(provider: FakeProvider):
    make_channel(batch_size=1)
    marketing, notice = make_dispatch(), make_dispatch(tier="NOTICE")
    ids = add_people(marketing, [mobile(n) for n in range(3)])
    add_people(notice, [mobile(9)], version=make_version("您的积分将到期。", tier="NOTICE"))
    person = make_operator()
    chunk = choose()
    pass_gate(chunk)

    brakes.pull(scope="ALL", reason="错发", by=person, now=NOON)

    assert pump_all() == 0 and pump_all(lane="urgent") == 0
    brakes.release(scope="ALL", by=person, now=NOON)
    pump_all()
    pump_all(lane="urgent")
    assert [call[0].reference for call in provider.calls][:2] == [f"202611-{one}" for one in ids[1:]]
    assert states(notice) == {"ACCEPTED": 1}
    written = AuditEntry.objects.filter(action__startswith="brake.").order_by("id")
    assert list(written.values_list("action", flat=True)) == ["brake.pulled", "brake.released"]


def test_one_tier_is_held_and_others_go_on(provider: FakeProvider):
    make_channel()
    marketing, notice = make_dispatch(), make_dispatch(tier="NOTICE")
    add_people(marketing, [mobile(1)])
    add_people(notice, [mobile(2)], version=make_version("您的积分将到期。", tier="NOTICE"))

    brakes.pull(scope="TIER:MARKETING", reason="", by=make_operator(), now=NOON)
    pump_all()
    pump_all(lane="urgent")

    assert (states(marketing), states(notice)) == ({"PLANNED": 1}, {"ACCEPTED": 1})


@pytest.mark.parametrize("how", ["all", "tier", "channel"])
def test_a_chunk_in_a_workers_hands_goes_back_at_the_gate(provider: FakeProvider, how):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()
    if how == "channel":
        Channel.objects.update(state="DISABLED")
    else:
        brakes.pull(scope="ALL" if how == "all" else "TIER:MARKETING", reason="", by=make_operator(), now=NOON)

    assert pass_gate(chunk) == set()

    assert message(one).state == "PLANNED" and is_queued(one)
    assert not Handoff.objects.filter(state="FENCED").exists()
    assert_counts_hold(dispatch, 1)


def test_a_drained_channel_lets_out_what_it_has_and_takes_nothing_new(provider: FakeProvider):
    make_channel(batch_size=1)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1), mobile(2)])
    chunk = choose()
    Channel.objects.update(state="DRAINED")

    assert len(pass_gate(chunk)) == 1
    assert pump_all() == 0


def test_pulling_twice_and_releasing_nothing_are_refused():
    person = make_operator()
    brakes.pull(scope="ALL", reason="", by=person, now=NOON)
    with pytest.raises(HasMoved):
        brakes.pull(scope="ALL", reason="", by=person, now=NOON)
    with pytest.raises(HasMoved):
        brakes.release(scope="TIER:NOTICE", by=person, now=NOON)
    with pytest.raises(ValueError, match="EVERYTHING"):
        brakes.pull(scope="EVERYTHING", reason="", by=person, now=NOON)
    assert Brake.objects.count() == 1


def fences_at_the_click_and_at_the_end() -> tuple[int, int]:
    """Four workers hand over person by person; everything is held once they have begun, and they go on to the end."""
    make_channel(batch_size=1)
    add_people(make_dispatch(), [mobile(n) for n in range(400)])
    fences = "SELECT count(*) FROM delivery_handoff WHERE state IN ('FENCED', 'RECORDED') AND message_ids <> '{}'"
    begun, faults = threading.Event(), []

    def send() -> None:
        try:
            while (chunk := choose()) is not None:
                pass_gate(chunk)
                begun.set()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _worker in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(timeout=20)
    brakes.pull(scope="ALL", reason="", by=make_operator(), now=NOON)
    at_click = fetch_all(fences)[0][0]
    for thread in threads:
        thread.join(timeout=60)
    assert faults == []
    return at_click, fetch_all(fences)[0][0]


@pytest.mark.race
def test_no_fence_commits_after_the_click(provider: FakeProvider):
    at_click, at_end = fences_at_the_click_and_at_the_end()

    # Each of the four gates that read the brakes just before the click may still commit; every later one sees it.
    assert 0 < at_end <= at_click + 4 < 400
    assert pump_all() == 0
    assert_counts_hold(Dispatch.objects.get(), 400)


@pytest.mark.race
def test_negative_control_workers_who_never_look_at_the_brakes_go_on_to_the_end(provider: FakeProvider, monkeypatch):
    for module in (take, gate):
        monkeypatch.setattr(module, "held_tiers", set)

    at_click, at_end = fences_at_the_click_and_at_the_end()

    assert at_click + 4 < at_end == 400
