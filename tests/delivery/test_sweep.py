from datetime import timedelta

import pytest

from delivery.models import DispatchState, Handoff, Heartbeat, Message
from delivery.rules.categories import Category
from delivery.services import pump, retention, sweep
from delivery.services.gate import LeaseLost
from foundation.db import execute, fetch_value
from tests.delivery.ledgers import (
    assert_counts_hold,
    choose,
    hand_over,
    holds_slot,
    is_queued,
    message,
    pass_gate,
    pump_all,
    states,
)
from tests.factories import NOON, add_people, make_channel, make_dispatch, mobile
from tests.fakes.provider import FakeProvider, ambiguous, refuse

pytestmark = pytest.mark.usefixtures("committed")


def end_leases() -> None:
    """Make every lease run out now."""
    execute("UPDATE delivery_handoff SET lease_until = clock_timestamp() - interval '1 second'")


def test_a_chunk_whose_worker_died_before_the_fence_goes_back_once(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    choose()
    assert sweep.return_lost(now=NOON) == 0
    end_leases()

    assert sweep.return_lost(now=NOON) == 1
    assert sweep.return_lost(now=NOON) == 0

    assert (message(one).state, message(one).reason, message(one).tries) == ("PLANNED", "WORKER_LOST", 0)
    assert is_queued(one) and Handoff.objects.get().state == "RETURNED"
    assert_counts_hold(dispatch, 1)
    pump_all()
    assert (states(dispatch), provider.phones) == ({"ACCEPTED": 1}, [mobile(1)])


def test_a_worker_that_wakes_up_after_the_sweep_can_not_send(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()
    end_leases()
    sweep.return_lost(now=NOON)

    with pytest.raises(LeaseLost):
        pass_gate(chunk)

    assert (message(one).state, is_queued(one), holds_slot(one)) == ("PLANNED", True, False)
    assert Handoff.objects.get().state == "RETURNED"
    assert_counts_hold(dispatch, 1)


def test_a_chunk_whose_worker_died_behind_the_fence_is_unsure_and_not_sent_again(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()
    pass_gate(chunk)
    end_leases()

    sweep.sweep(now=NOON)
    pump_all(now=NOON + timedelta(hours=1))

    assert (message(one).state, message(one).reason) == ("UNSURE", "WORKER_LOST")
    assert holds_slot(one) and provider.calls == []
    dispatch.refresh_from_db()
    assert dispatch.state == DispatchState.CLOSED
    assert_counts_hold(dispatch, 1)


def test_a_late_answer_settles_what_the_sweep_called_unsure(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()
    outcomes = hand_over(chunk)
    end_leases()
    sweep.return_lost(now=NOON)

    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)
    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)

    assert (message(one).state, message(one).reason, message(one).cost) == ("ACCEPTED", "", 450)
    assert Handoff.objects.get().state == "RECORDED"
    assert_counts_hold(dispatch, 1)


@pytest.mark.parametrize("category", [Category.RETRY, Category.NUMBER])
def test_a_late_refusal_is_final_because_an_unsure_message_never_returns(provider: FakeProvider, category):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    provider.script = [refuse(category)]
    chunk = choose()
    outcomes = hand_over(chunk)
    end_leases()
    sweep.return_lost(now=NOON)

    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)

    assert (message(one).state, message(one).reason) == ("REFUSED", category)
    assert not is_queued(one) and not holds_slot(one)
    assert_counts_hold(dispatch, 1)


def test_a_late_answer_that_knows_nothing_leaves_it_unsure(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    provider.script = [ambiguous]
    chunk = choose()
    outcomes = hand_over(chunk)
    end_leases()
    sweep.return_lost(now=NOON)

    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)

    assert (message(one).state, message(one).reason, holds_slot(one)) == ("UNSURE", "WORKER_LOST", True)
    assert_counts_hold(dispatch, 1)


def test_only_those_who_passed_the_gate_become_unsure(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    [gone] = add_people(dispatch, [mobile(2)], consent="OPTED_OUT")
    pass_gate(choose())
    end_leases()

    sweep.return_lost(now=NOON)

    assert (message(one).state, message(gone).state) == ("UNSURE", "EXCLUDED")
    assert_counts_hold(dispatch, 2)


def test_a_record_is_written_once(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    chunk = choose()
    outcomes = hand_over(chunk)

    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)
    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)

    assert states(dispatch) == {"ACCEPTED": 1}
    assert_counts_hold(dispatch, 1)


def test_messages_without_a_receipt_are_given_up_after_three_days_all_of_them(provider: FakeProvider, monkeypatch):
    monkeypatch.setattr(sweep, "CHUNK", 2)
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(5)])
    pump_all()

    assert sweep.mark_unreported(now=NOON + timedelta(hours=72) - timedelta(seconds=1)) == 0
    assert sweep.mark_unreported(now=NOON + timedelta(hours=72, seconds=1)) == 5
    assert sweep.mark_unreported(now=NOON + timedelta(hours=73)) == 0

    assert states(dispatch) == {"UNREPORTED": 5}
    assert_counts_hold(dispatch, 5)


def test_a_big_stopped_dispatch_is_cancelled_in_chunks(provider: FakeProvider, monkeypatch):
    from delivery.services import dispatches

    monkeypatch.setattr(sweep, "CHUNK", 2)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(5)])
    dispatches.stop(dispatch_id=dispatch.pk)

    assert sweep.end_waiting(now=NOON) == 5
    assert sweep.end_waiting(now=NOON) == 0

    assert states(dispatch) == {"CANCELLED": 5}
    assert_counts_hold(dispatch, 5)


def test_a_sweep_ends_so_many_and_asks_to_be_rung_again(provider: FakeProvider, monkeypatch):
    from delivery.services import dispatches

    monkeypatch.setattr(sweep, "CHUNK", 2)
    monkeypatch.setattr(sweep, "MOST_ENDED", 3)
    stopped, over = make_dispatch(), make_dispatch()
    add_people(stopped, [mobile(n) for n in range(2)])
    add_people(over, [mobile(n) for n in range(3)])
    dispatches.stop(dispatch_id=stopped.pk)

    assert sweep.sweep(now=over.expires_at) is True
    assert sweep.sweep(now=over.expires_at) is False

    assert (states(over), states(stopped)) == ({"EXPIRED": 3}, {"CANCELLED": 2})


def test_an_accept_of_long_ago_is_given_up_too(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(expires_at=NOON + timedelta(hours=720))
    add_people(dispatch, [mobile(1)])
    pump_all(now=NOON + timedelta(hours=700))

    assert sweep.mark_unreported(now=NOON + timedelta(hours=771)) == 0
    assert sweep.mark_unreported(now=NOON + timedelta(hours=773)) == 1


def test_partitions_are_made_once_and_ahead():
    retention.ensure_partitions(now=NOON)
    retention.ensure_partitions(now=NOON)

    names = "SELECT array_agg(inhrelid::regclass::text ORDER BY 1) FROM pg_inherits"
    found = fetch_value(names + " WHERE inhparent = 'delivery_message'::regclass")
    assert {"delivery_message_2026_11", "delivery_message_2026_12"} <= set(found)


def test_the_sweep_leaves_a_heartbeat():
    sweep.sweep(now=NOON)
    sweep.sweep(now=NOON + timedelta(seconds=10))

    assert Heartbeat.objects.get(name="sweep").at == NOON + timedelta(seconds=10)
    assert not Message.objects.exists()
