from datetime import timedelta

import pytest

from delivery.models import CapEntry, CapPolicy, Dispatch, Handoff
from delivery.services import dispatches, sweep
from delivery.services.caps import give_back_slots
from delivery.services.gate import LeaseLost
from foundation.db import execute
from foundation.services.phones import hash_phone
from members.models import PhoneGate
from members.services.consent import opt_out
from members.services.suppression import suppress
from tests.delivery.ledgers import (
    assert_counts_hold,
    choose,
    holds_slot,
    is_queued,
    message,
    pass_gate,
    pump_all,
    states,
)
from tests.factories import (
    MIDNIGHT,
    NOON,
    add_people,
    make_channel,
    make_dispatch,
    make_version,
    mobile,
    uuid_of,
)
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")


def used_slots(phone: str, *ages: timedelta, text: str = "") -> None:
    """Slots that a phone has used so long ago; each with a text of its own unless one is named."""
    CapEntry.objects.bulk_create(
        CapEntry(
            message_id=-number, phone_hash=hash_phone(phone), at=NOON - age,
            fingerprint=uuid_of(text or f"text {number}"),
        )
        for number, age in enumerate(ages, start=1)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("consent", "reason"), [("OPTED_OUT", "OPTED_OUT"), ("NONE", "NO_CONSENT"), (None, "NO_CONSENT")]
)
def test_marketing_needs_consent_at_the_last_moment(provider: FakeProvider, consent, reason):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)], consent=consent)

    pump_all()

    assert (message(one).state, message(one).reason, message(one).channel_id) == ("EXCLUDED", reason, None)
    assert message(one).done_at == NOON
    assert provider.calls == [] and not holds_slot(one)
    assert PhoneGate.objects.get().consent == (consent or "NONE")
    assert_counts_hold(dispatch, 1)


def test_a_notice_needs_no_consent_but_respects_the_suppression_list(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(tier="NOTICE")
    version = make_version("您的积分将到期。", tier="NOTICE")
    free, suppressed = add_people(dispatch, [mobile(1), mobile(2)], version=version, consent="OPTED_OUT")
    suppress(phone_hash=hash_phone(mobile(2)), kind="MANUAL", now=NOON)

    pump_all(lane="urgent")

    assert (message(free).state, message(suppressed).state) == ("ACCEPTED", "EXCLUDED")
    assert message(suppressed).reason == "SUPPRESSED"
    assert_counts_hold(dispatch, 2)


def test_a_suppression_ends_at_its_instant(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    ids = add_people(dispatch, [mobile(1), mobile(2)])
    suppress(phone_hash=hash_phone(mobile(1)), kind="MANUAL", now=NOON, until=NOON)
    suppress(phone_hash=hash_phone(mobile(2)), kind="MANUAL", now=NOON, until=NOON + timedelta(microseconds=1))

    pump_all()

    assert [message(one).state for one in ids] == ["ACCEPTED", "EXCLUDED"]


def test_a_demo_member_is_never_written_to_over_a_real_channel(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)], is_demo=True)

    pump_all()

    assert (message(one).state, message(one).reason) == ("EXCLUDED", "DEMO_MEMBER")
    assert provider.calls == []


def test_a_message_expires_at_the_gate(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(expires_at=NOON + timedelta(hours=1))
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()

    assert pass_gate(chunk, now=NOON + timedelta(hours=1)) == set()

    assert (message(one).state, message(one).reason) == ("EXPIRED", "TOO_LATE")
    assert_counts_hold(dispatch, 1)


def test_a_pause_between_take_and_gate_sends_the_chunk_back(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()
    dispatches.pause(dispatch_id=dispatch.pk)

    assert pass_gate(chunk) == set()

    assert (message(one).state, message(one).reason, message(one).tries) == ("PLANNED", "NOT_OPEN", 0)
    assert is_queued(one) and not holds_slot(one)
    assert Handoff.objects.get().state == "RECORDED"
    dispatches.resume(dispatch_id=dispatch.pk)
    pump_all()
    assert (message(one).state, message(one).tries) == ("ACCEPTED", 1)
    assert_counts_hold(dispatch, 1)


def test_a_stop_between_take_and_gate_cancels_the_chunk(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    chunk = choose()
    dispatches.stop(dispatch_id=dispatch.pk)

    pass_gate(chunk)
    sweep.sweep(now=NOON)

    assert states(dispatch) == {"CANCELLED": 1}
    assert_counts_hold(dispatch, 1)


def test_nothing_leaves_outside_the_window_and_a_chunk_that_missed_it_waits_for_the_morning(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    nine_in_the_evening = MIDNIGHT + timedelta(hours=21)
    chunk = choose(now=nine_in_the_evening - timedelta(seconds=1))

    assert pass_gate(chunk, now=nine_in_the_evening) == set()

    morning = MIDNIGHT + timedelta(days=1, hours=8)
    assert (message(one).state, message(one).reason, message(one).not_before) == ("PLANNED", "WINDOW", morning)
    assert pump_all(now=morning - timedelta(seconds=1)) == 0
    assert pump_all(now=morning) == 1
    assert message(one).state == "ACCEPTED"


@pytest.mark.parametrize(
    ("ages", "reason", "free_at"),
    [
        ([1, 2, 3], "CAP_DAY", NOON + timedelta(hours=21)),  # 09:00 of the next day
        ([1, 2, 8], "CAP_DAY", NOON + timedelta(hours=20)),  # free at 04:00, the window opens at 08:00
        ([30, 50, 70, 100], "CAP_WEEK", NOON + timedelta(hours=68)),
    ],
)
def test_over_a_cap_a_message_is_deferred_to_the_first_free_instant_inside_the_window(
    provider: FakeProvider, ages, reason, free_at
):
    make_channel()
    dispatch = make_dispatch(expires_at=NOON + timedelta(days=9))
    [one] = add_people(dispatch, [mobile(1)])
    used_slots(mobile(1), *[timedelta(hours=age) for age in ages])

    pump_all()

    assert (message(one).state, message(one).reason, message(one).not_before) == ("PLANNED", reason, free_at)
    assert (message(one).tries, holds_slot(one), provider.calls) == (0, False, [])
    assert pump_all(now=free_at - timedelta(seconds=1)) == 0
    pump_all(now=free_at)
    assert message(one).state == "ACCEPTED"
    assert_counts_hold(dispatch, 1)


def test_over_a_cap_a_message_is_left_out_when_the_campaign_says_so(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(cap_policy=CapPolicy.EXCLUDE)
    over, under = add_people(dispatch, [mobile(1), mobile(2)])
    used_slots(mobile(1), *[timedelta(hours=1)] * 3)

    pump_all()

    assert (message(over).state, message(over).reason) == ("EXCLUDED", "CAP_DAY")
    assert message(under).state == "ACCEPTED"
    assert_counts_hold(dispatch, 2)


def test_over_a_cap_a_message_is_left_out_when_its_time_would_be_over(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(expires_at=NOON + timedelta(hours=21))
    [one] = add_people(dispatch, [mobile(1)])
    used_slots(mobile(1), *[timedelta(hours=3)] * 3)

    pump_all()

    assert (message(one).state, message(one).reason) == ("EXCLUDED", "CAP_DAY")


def test_the_same_text_again_is_deferred(provider: FakeProvider):
    make_channel()
    version = make_version()
    first, second = make_dispatch(), make_dispatch(expires_at=NOON + timedelta(days=5))
    add_people(first, [mobile(1)], version=version)
    pump_all()
    [again] = add_people(second, [mobile(1)], version=version)

    pump_all()

    assert (message(again).state, message(again).reason) == ("PLANNED", "SAME_TEXT")
    assert message(again).not_before == NOON + timedelta(hours=72)


def test_two_messages_to_one_phone_in_one_chunk_count_one_another(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch(cap_policy=CapPolicy.EXCLUDE)
    used_slots(mobile(1), timedelta(hours=1), timedelta(hours=2))
    first, second = (
        add_people(dispatch, [mobile(1)], dedupe=uuid_of(text), version=make_version(f"{text}到店有礼。"))[0]
        for text in ("甲", "乙")
    )

    pump_all()

    assert (message(first).state, message(second).state) == ("ACCEPTED", "EXCLUDED")
    assert message(second).reason == "CAP_DAY"
    assert CapEntry.objects.filter(at__gt=NOON - timedelta(hours=24)).count() == 3


def test_a_fence_is_refused_when_the_lease_has_run_out_and_nothing_changes(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    leaving, [one] = mobile(2), add_people(dispatch, [mobile(1)])
    add_people(dispatch, [leaving], consent="OPTED_OUT")
    chunk = choose()
    execute("UPDATE delivery_handoff SET lease_until = clock_timestamp() - interval '1 second'")

    with pytest.raises(LeaseLost):
        pass_gate(chunk)

    assert states(dispatch) == {"CLAIMED": 2}
    assert Handoff.objects.get().state == "TAKEN"
    assert not CapEntry.objects.exists() and not is_queued(one)
    assert_counts_hold(dispatch, 2)


def test_an_opt_out_between_take_and_gate_keeps_the_message_back(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    one, other = add_people(dispatch, [mobile(1), mobile(2)])
    chunk = choose()
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="reply:1", now=NOON)

    assert pass_gate(chunk) == {other}

    assert (message(one).state, message(one).reason) == ("EXCLUDED", "OPTED_OUT")
    assert Handoff.objects.get().message_ids == [other]


def test_giving_slots_back_twice_changes_nothing(provider: FakeProvider):
    make_channel()
    one, other = add_people(make_dispatch(), [mobile(1), mobile(2)])
    pump_all()

    give_back_slots(message_ids=[one])
    give_back_slots(message_ids=[one])

    assert (holds_slot(one), holds_slot(other)) == (False, True)


def test_a_dispatch_of_the_next_month_lives_in_its_own_partition(provider: FakeProvider):
    make_channel()
    december = NOON + timedelta(days=14)
    dispatch = make_dispatch(now=december)
    [one] = add_people(dispatch, [mobile(1)])

    pump_all(now=december)

    assert (message(one).month.isoformat(), message(one).state) == ("2026-12-01", "ACCEPTED")
    assert Dispatch.objects.get().month.isoformat() == "2026-12-01"
    assert provider.calls[0][0].reference == f"202612-{one}"
