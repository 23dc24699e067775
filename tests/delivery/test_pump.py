from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, transaction

from delivery.models import (
    Attempt,
    Channel,
    ChannelPulse,
    ChannelState,
    Circuit,
    Dispatch,
    DispatchState,
    Handoff,
    Message,
    TallyDelta,
    VendorRef,
)
from delivery.rules.categories import Category
from delivery.services import circuits, dispatches, pump, sweep
from foundation.models import Alert, OutboxEvent
from foundation.services import outbox
from foundation.services.phones import hash_phone
from members.models import Suppression
from members.queries.consent import suppressed_at
from tests.delivery.ledgers import (
    assert_counts_hold,
    choose,
    hand_over,
    holds_slot,
    is_queued,
    message,
    pump_all,
    states,
)
from tests.factories import MIDNIGHT, NOON, add_people, make_channel, make_dispatch, make_version, mobile
from tests.fakes.provider import (
    FakeProvider,
    accept,
    ambiguous,
    fault,
    lose_one,
    not_submitted,
    refuse,
    refuse_phone,
)

pytestmark = pytest.mark.usefixtures("committed")


def clock():
    return NOON


def test_an_accepted_message_carries_cost_parts_and_the_providers_number(provider: FakeProvider):
    channel = make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)], version=make_version("全场八折。" * 20))

    assert pump.send_chunk(lane="bulk", clock=clock) == 1

    sent = message(one)
    assert (sent.state, sent.reason, sent.channel_id, sent.tries) == ("ACCEPTED", "", channel.pk, 1)
    assert (sent.parts, sent.cost, sent.submitted_at, sent.done_at) == (2, 900, NOON, None)
    ref = VendorRef.objects.get(message_id=one)
    assert (ref.channel_id, ref.vendor_id) == (channel.pk, f"v202611-{one}")
    assert provider.phones == [mobile(1)]
    assert provider.texts == ["【佳家超市】" + "全场八折。" * 20 + "拒收请回复R"]
    assert not Attempt.objects.exists()
    assert_counts_hold(dispatch, 1)


def test_a_transient_refusal_returns_to_the_queue_and_gives_its_cap_slot_back(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    provider.script = [refuse(Category.RETRY, "BUSY")]

    pump.send_chunk(lane="bulk", clock=clock)

    waiting = message(one)
    assert (waiting.state, waiting.reason, waiting.tries, waiting.channel_id) == ("PLANNED", "RETRY", 1, None)
    assert NOON + timedelta(seconds=2) <= waiting.not_before <= NOON + timedelta(seconds=3)
    assert is_queued(one) and not holds_slot(one)
    assert list(Attempt.objects.values_list("category", "vendor_code")) == [("RETRY", "BUSY")]
    assert_counts_hold(dispatch, 1)
    assert pump_all(now=NOON) == 0
    assert pump_all(now=NOON + timedelta(seconds=3)) == 1
    assert (message(one).state, message(one).tries) == ("ACCEPTED", 2)
    assert holds_slot(one)
    assert_counts_hold(dispatch, 1)


def test_a_transient_refusal_ends_after_twelve_of_them(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    provider.default = refuse(Category.RETRY)

    for step in range(14):
        pump_all(now=NOON + timedelta(minutes=10 * step))

    assert (message(one).state, message(one).reason, message(one).tries) == ("REFUSED", "RETRY", 12)
    assert len(provider.calls) == 12
    assert not is_queued(one) and not holds_slot(one)
    assert_counts_hold(dispatch, 1)


def test_what_ails_the_channel_does_not_use_up_a_messages_retries(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    provider.script = [not_submitted] * 15 + [refuse(Category.RETRY)]

    for step in range(17):
        pump_all(now=NOON + timedelta(minutes=10 * step))

    assert (message(one).state, message(one).tries) == ("ACCEPTED", 17)
    assert_counts_hold(dispatch, 1)


@pytest.mark.parametrize("category", [Category.CHANNEL, Category.BALANCE, Category.QUOTA])
def test_a_broken_channel_is_left_and_another_one_carries_the_message(provider: FakeProvider, category: Category):
    broken = make_channel("broken", weight=30_000)
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    provider.script = [refuse(category, "401")]
    pump.send_chunk(lane="bulk", clock=clock)
    other = make_channel("other")

    pump_all(now=NOON + timedelta(seconds=5))

    broken.refresh_from_db()
    assert (broken.circuit, broken.broken_at, broken.broken_reason) == (Circuit.OPEN, NOON, f"{category} 401")
    assert Alert.objects.get().code == "CHANNEL_BROKEN"
    assert (message(one).state, message(one).channel_id) == ("ACCEPTED", other.pk)
    assert_counts_hold(dispatch, 1)


def test_a_bad_number_is_refused_and_rests_on_the_suppression_list(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    good, bad = add_people(dispatch, [mobile(1), mobile(2)])
    provider.script = [refuse_phone(mobile(2), Category.NUMBER, "EMPTY")]

    pump.send_chunk(lane="bulk", clock=clock)
    outbox.run_due(now=NOON)

    assert message(good).state == "ACCEPTED"
    assert (message(bad).state, message(bad).reason, message(bad).cost) == ("REFUSED", "NUMBER", 0)
    assert not holds_slot(bad)
    entry = Suppression.objects.get()
    assert (entry.phone_hash, entry.kind) == (hash_phone(mobile(2)), "HARD_FAILURE")
    assert entry.until == NOON + timedelta(days=90)
    assert suppressed_at(phone_hashes=[entry.phone_hash], now=NOON + timedelta(days=90)) == set()
    assert_counts_hold(dispatch, 2)


@pytest.mark.parametrize(
    ("category", "state"),
    [(Category.CONTENT, "REFUSED"), (Category.SIGNTPL, "PLANNED")],
)
def test_a_refused_text_pauses_the_dispatch_and_tells_its_sender(provider: FakeProvider, category, state):
    make_channel(batch_size=1)
    dispatch = make_dispatch()
    first, second = add_people(dispatch, [mobile(1), mobile(2)])
    provider.script = [refuse(category, "WORDS")]

    assert pump_all() == 1

    dispatch.refresh_from_db()
    assert dispatch.state == DispatchState.PAUSED
    assert (message(first).state, message(second).state) == (state, "PLANNED")
    news = OutboxEvent.objects.get(topic="delivery.dispatch_paused")
    assert news.payload == {"dispatch_id": dispatch.pk, "source": dispatch.source, "reason": category}
    assert_counts_hold(dispatch, 2)
    dispatches.resume(dispatch_id=dispatch.pk)
    pump_all(now=NOON + timedelta(seconds=5))
    assert message(second).state == "ACCEPTED"


@pytest.mark.parametrize("answer", [ambiguous, fault, lose_one])
def test_what_nobody_knows_is_unsure_keeps_its_slot_and_is_never_sent_again(provider: FakeProvider, answer):
    make_channel()
    dispatch = make_dispatch()
    ids = add_people(dispatch, [mobile(1), mobile(2)])
    provider.script = [answer]

    pump_all()
    sweep.sweep(now=NOON + timedelta(hours=1))
    pump_all(now=NOON + timedelta(hours=1))

    assert states(dispatch) == {"UNSURE": 2}
    assert [message(one).reason for one in ids] == ["AMBIGUOUS", "AMBIGUOUS"]
    assert all(holds_slot(one) for one in ids)
    assert len(provider.calls) == 1
    assert list(Attempt.objects.values_list("category", flat=True)) == ["AMBIGUOUS", "AMBIGUOUS"]
    assert_counts_hold(dispatch, 2)


def test_one_call_that_never_left_is_repeated_and_leaves_the_channel_in_traffic(provider: FakeProvider):
    channel = make_channel()
    dispatch = make_dispatch()
    ids = add_people(dispatch, [mobile(n) for n in range(30)])
    provider.script = [not_submitted]

    pump_all()
    assert {(message(one).state, message(one).reason, holds_slot(one)) for one in ids} == {("PLANNED", "AWAY", False)}
    circuits.judge_all(now=NOON)
    assert Channel.objects.get(pk=channel.pk).circuit == Circuit.CLOSED
    pump_all(now=NOON + timedelta(seconds=5))

    assert {message(one).state for one in ids} == {"ACCEPTED"}
    assert_counts_hold(dispatch, 30)


@pytest.mark.parametrize("category", [Category.REQUEST, Category.TIME, Category.NUMBER, Category.CONTENT])
def test_what_is_not_the_channels_doing_says_nothing_of_its_health(provider: FakeProvider, category: Category):
    make_channel()
    add_people(make_dispatch(), [mobile(1)])
    provider.script = [refuse(category)]

    pump_all()

    assert not ChannelPulse.objects.exists()


def test_one_person_without_a_needed_name_is_refused_and_the_others_are_sent(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    version = make_version("{name}您好，全场八折。")
    [named] = add_people(dispatch, [mobile(1)], version=version, params={"name": "小王"})
    [nameless] = add_people(dispatch, [mobile(2)], version=version, params={"name": ""})

    pump_all()

    assert (message(named).state, message(nameless).state) == ("ACCEPTED", "REFUSED")
    assert message(nameless).reason == "INCOMPLETE"
    assert Alert.objects.get().code == "MESSAGE_INCOMPLETE"
    assert Attempt.objects.get(message_id=nameless).vendor_code == "MergeFieldMissing"
    assert provider.phones == [mobile(1)]
    assert not holds_slot(nameless)
    assert_counts_hold(dispatch, 2)


def test_a_phone_that_no_key_opens_is_refused_and_never_unsure(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    Message.objects.filter(id=one).update(phone_cipher=b"old\0" + bytes(40))

    pump_all()

    assert (message(one).state, message(one).reason) == ("REFUSED", "INCOMPLETE")
    assert provider.calls == []
    assert_counts_hold(dispatch, 1)


def test_a_refused_code_at_night_does_not_wait_for_the_morning(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(tier="VERIFICATION", now=MIDNIGHT)
    [one] = add_people(
        dispatch, [mobile(1)], version=make_version("验证码 123456。", tier="VERIFICATION"), consent=None
    )
    provider.script = [refuse(Category.RETRY)]

    pump_all(now=MIDNIGHT, lane="urgent")
    assert message(one).not_before <= MIDNIGHT + timedelta(seconds=3)
    pump_all(now=MIDNIGHT + timedelta(seconds=3), lane="urgent")

    assert message(one).state == "ACCEPTED"
    assert provider.texts[0] == "【佳家超市】验证码 123456。"
    assert not holds_slot(one)
    assert_counts_hold(dispatch, 1)


def test_a_refused_marketing_message_at_the_end_of_the_day_waits_for_the_next(provider: FakeProvider):
    make_channel()
    evening = MIDNIGHT + timedelta(hours=20, minutes=59, seconds=59)
    dispatch = make_dispatch(now=evening)
    [one] = add_people(dispatch, [mobile(1)])
    provider.script = [refuse(Category.RETRY)]

    pump_all(now=evening)

    assert message(one).not_before == MIDNIGHT + timedelta(days=1, hours=8)


def test_results_are_written_although_the_database_was_away_for_a_moment(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(3)])
    away, record = [OperationalError("the connection is lost")] * 2, pump.record

    def wavering(**facts):
        if away:
            raise away.pop()
        record(**facts)

    monkeypatch.setattr(pump, "record", wavering)
    monkeypatch.setattr(pump.pacing, "sleep", lambda _seconds: None)

    pump_all()

    assert states(dispatch) == {"ACCEPTED": 3}
    assert len(provider.calls) == 1
    assert_counts_hold(dispatch, 3)


def test_a_channel_without_weight_carries_its_own_test_and_a_disabled_one_nothing(provider: FakeProvider):
    channel = make_channel(weight=0)
    dispatch = make_dispatch(tier="NOTICE", only_channel_id=channel.pk)
    version = make_version("您好。", tier="NOTICE")
    add_people(dispatch, [mobile(1)], version=version)
    Channel.objects.update(state=ChannelState.DISABLED)
    assert choose(lane="urgent", now=NOON) is None
    Channel.objects.update(state=ChannelState.DRAINED)

    pump_all(lane="urgent")

    assert states(dispatch) == {"ACCEPTED": 1}


def test_lanes_do_not_take_each_others_messages(provider: FakeProvider):
    make_channel()
    marketing, notice = make_dispatch(), make_dispatch(tier="NOTICE")
    add_people(marketing, [mobile(1)])
    add_people(notice, [mobile(2)], version=make_version("您的积分将到期。", tier="NOTICE"))

    assert pump_all(lane="urgent") == 1

    assert (states(marketing), states(notice)) == ({"PLANNED": 1}, {"ACCEPTED": 1})


def test_nothing_leaves_without_an_open_channel(provider: FakeProvider):
    make_channel(state=ChannelState.DRAINED)
    make_channel("weightless", weight=0)
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])

    assert pump_all() == 0

    assert is_queued(one) and states(dispatch) == {"PLANNED": 1}


def test_a_dispatch_leaves_in_chunks_of_the_channels_batch_size(provider: FakeProvider):
    make_channel(batch_size=3)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(7)])

    pump_all()

    assert [len(call) for call in provider.calls] == [3, 3, 1]
    assert states(dispatch) == {"ACCEPTED": 7}
    assert_counts_hold(dispatch, 7)


def test_a_provider_is_never_called_inside_a_transaction(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    chunk = choose()

    with transaction.atomic(), pytest.raises(RuntimeError):
        pump.submit(chunk=chunk, rendered=pump.render(chunk))

    assert provider.calls == []


def test_the_same_person_twice_breaks_the_chunk_and_leaves_one_message():
    dispatch = make_dispatch()
    version = make_version()
    add_people(dispatch, [mobile(1)], version=version)

    with pytest.raises(IntegrityError), transaction.atomic():
        add_people(dispatch, [mobile(2), mobile(1)], version=version)

    assert states(dispatch) == {"PLANNED": 1}
    assert_counts_hold(dispatch, 1)


def test_a_stopped_dispatch_is_cancelled_closed_and_tells_which_rows_were_not_sent(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)], sender_ref=71)
    dispatches.stop(dispatch_id=dispatch.pk)

    sweep.sweep(now=NOON)

    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.closed_at) == (DispatchState.STOPPED, NOON)
    assert states(dispatch) == {"CANCELLED": 1}
    told = OutboxEvent.objects.get(topic="delivery.not_sent").payload
    assert told == {"source": dispatch.source, "sender_refs": [71]}
    assert OutboxEvent.objects.filter(topic="delivery.dispatch_closed").count() == 1
    assert provider.calls == []
    assert_counts_hold(dispatch, 1)


def test_what_waits_past_its_end_expires(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(expires_at=NOON + timedelta(hours=1))
    add_people(dispatch, [mobile(1)])

    sweep.sweep(now=NOON + timedelta(minutes=59))
    assert states(dispatch) == {"PLANNED": 1}
    assert pump_all(now=NOON + timedelta(hours=1)) == 0
    sweep.sweep(now=NOON + timedelta(hours=1))

    assert states(dispatch) == {"EXPIRED": 1}
    assert Dispatch.objects.get(pk=dispatch.pk).state == DispatchState.CLOSED
    assert_counts_hold(dispatch, 1)


def test_a_dispatch_closes_only_when_nothing_waits_and_nothing_is_in_hands(provider: FakeProvider):
    make_channel(batch_size=1)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1), mobile(2)])
    chunk = choose()
    pump_all()
    assert sweep.close_finished(now=NOON) == 0
    outcomes = hand_over(chunk)
    assert sweep.close_finished(now=NOON) == 0
    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)

    assert sweep.close_finished(now=NOON) == 1

    assert sweep.close_finished(now=NOON) == 0
    assert states(dispatch) == {"ACCEPTED": 2}
    assert Handoff.objects.filter(state="RECORDED").count() == 2


def test_pause_holds_and_resume_goes_on_with_the_next_person(provider: FakeProvider):
    make_channel(batch_size=2)
    dispatch = make_dispatch()
    ids = add_people(dispatch, [mobile(n) for n in range(4)])
    pump.send_chunk(lane="bulk", clock=clock)

    dispatches.pause(dispatch_id=dispatch.pk)
    assert pump_all() == 0
    assert sweep.close_finished(now=NOON) == 0
    dispatches.resume(dispatch_id=dispatch.pk)
    pump_all()

    references = [person.reference for call in provider.calls for person in call]
    assert references == [f"202611-{one}" for one in ids]


def test_tallies_read_the_same_before_and_after_folding(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(5)])
    assert_counts_hold(dispatch, 5)
    sweep.fold_tallies()
    assert_counts_hold(dispatch, 5)
    provider.script = [refuse_phone(mobile(3), Category.RETRY)]
    pump_all()
    assert_counts_hold(dispatch, 5)

    sweep.fold_tallies()

    assert not TallyDelta.objects.exists()
    assert_counts_hold(dispatch, 5)
    provider.default = accept
    pump_all(now=NOON + timedelta(minutes=1))
    sweep.fold_tallies()
    assert_counts_hold(dispatch, 5)
