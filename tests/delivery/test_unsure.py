"""Messages that may or may not have been taken."""

import threading
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from delivery.models import Receipt, UnsureMessage, VendorRef
from delivery.port import Absent, Accepted, Ambiguous, ReceiptNote, Refused
from delivery.queries import unsure as known
from delivery.rules.categories import Category
from delivery.services import receipts, sweep, unsure
from foundation.db import execute
from foundation.errors import DomainError, HasMoved
from foundation.models import Alert, AuditEntry
from tests.delivery.ledgers import assert_counts_hold, choose, holds_slot, message, pass_gate, pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, mobile
from tests.fakes.provider import FakeProvider, ambiguous

pytestmark = pytest.mark.usefixtures("committed")

GRACE = timedelta(minutes=10)


@pytest.fixture
def doubtful(provider: FakeProvider) -> tuple:
    """One message whose hand-over broke off."""
    channel, dispatch = make_channel(), make_dispatch()
    provider.script = [ambiguous]
    [one] = add_people(dispatch, [mobile(1)], sender_ref=5)
    pump_all()
    return channel, dispatch, one


def test_asking_goes_batch_by_batch(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unsure, "BATCH", 2)
    make_channel()
    add_people(make_dispatch(), [mobile(n) for n in range(3)])
    provider.script = [ambiguous]
    pump_all()

    assert [ask(provider, at=NOON + GRACE) for _step in range(3)] == [2, 1, 0]


def ask(provider: FakeProvider, *, at) -> int:
    return unsure.ask_due(clock=lambda: at)


def test_an_unsure_message_is_listed_with_what_is_known(doubtful, provider: FakeProvider):
    channel, _dispatch, one = doubtful

    [row] = known.oldest_known(limit=10)

    assert (row.row.pk, row.channel, row.message.phone_tail) == (one, channel, "0001")
    assert [attempt.category for attempt in row.tries] == ["AMBIGUOUS"]
    assert (known.ages().count, known.ages().oldest) == (1, NOON)
    assert known.ages_by_channel()[channel.pk].count == 1
    assert row.row.next_check_at == NOON + GRACE / 10
    assert holds_slot(one)


def test_a_lost_worker_leaves_unsure_messages_in_the_list(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pass_gate(choose())
    execute("UPDATE delivery_handoff SET lease_until = clock_timestamp() - interval '1 second'")

    sweep.return_lost(now=NOON)

    assert (message(one).state, UnsureMessage.objects.get().pk) == ("UNSURE", one)


def test_the_provider_took_it(doubtful, provider: FakeProvider):
    _channel, dispatch, one = doubtful
    provider.known[f"202611-{one}"] = Accepted("v77")
    assert ask(provider, at=NOON + GRACE / 20) == 0

    assert ask(provider, at=NOON + GRACE / 10) == 1

    assert [(q.reference, q.phone, q.submitted_at) for q in provider.questions] == [(f"202611-{one}", mobile(1), NOON)]
    assert (message(one).state, message(one).cost) == ("ACCEPTED", 450)
    assert VendorRef.objects.get().vendor_id == "v77"
    assert holds_slot(one) and not UnsureMessage.objects.exists()
    assert ask(provider, at=NOON + GRACE) == 0
    assert len(provider.calls) == 1
    assert_counts_hold(dispatch, 1)


def test_never_heard_of_it_is_believed_after_the_grace_and_three_times(doubtful, provider: FakeProvider):
    _channel, dispatch, one = doubtful
    asked = [at for minute in range(60) if ask(provider, at=(at := NOON + timedelta(minutes=minute)))]

    assert (message(one).state, message(one).reason, message(one).cost) == ("REFUSED", "NEVER_TAKEN", 0)
    assert len(asked) >= 3 and asked[-1] - NOON >= GRACE
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert not holds_slot(one) and not UnsureMessage.objects.exists()
    assert len(provider.calls) == 1  # nobody is written to again
    assert_counts_hold(dispatch, 1)


def test_the_provider_refused_it(doubtful, provider: FakeProvider):
    _channel, _dispatch, one = doubtful
    provider.known[f"202611-{one}"] = Refused(Category.CONTENT, "X9")

    ask(provider, at=NOON + GRACE)

    assert (message(one).state, message(one).reason, holds_slot(one)) == ("REFUSED", "CONTENT", False)


def test_no_clear_word_is_asked_for_again_until_given_up_to_a_person(doubtful, provider: FakeProvider, settings):
    _channel, _dispatch, one = doubtful
    provider.known[f"202611-{one}"] = Ambiguous("down")
    hours = range(settings.UNSURE_GIVE_UP_HOURS + 3)

    asked = sum(ask(provider, at=NOON + timedelta(hours=hour)) for hour in hours)

    assert 20 < asked <= len(hours)
    assert (message(one).state, UnsureMessage.objects.get().next_check_at) == ("UNSURE", None)
    assert Alert.objects.get().code == "UNSURE_OLD"


def test_a_fault_of_the_adapter_settles_nobody(doubtful, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch):
    _channel, _dispatch, one = doubtful
    monkeypatch.setattr(provider, "query", lambda questions: 1 / 0)

    assert ask(provider, at=NOON + GRACE) == 1

    assert message(one).state == "UNSURE"


@pytest.mark.parametrize(("code", "state"), [("DELIVRD", "DELIVERED"), ("UNDELIV", "UNDELIVERED")])
def test_a_late_receipt_with_our_own_reference_settles_it(doubtful, provider: FakeProvider, code, state):
    channel, dispatch, one = doubtful
    told = ReceiptNote("v9", code == "DELIVRD", code, NOON, f"202611-{one}")
    receipts.store_receipts(channel=channel, notes=[told], now=NOON)

    receipts.merge_receipts(now=NOON)

    assert message(one).state == state
    assert not UnsureMessage.objects.exists()
    assert VendorRef.objects.get().message_id == one
    assert_counts_hold(dispatch, 1)


@pytest.mark.parametrize("reference", ["202611-999999999", "202610-1", "x", "", "202613-1", "000001-1"])
def test_a_reference_that_leads_nowhere_waits_and_is_seen(doubtful, provider: FakeProvider, reference):
    channel, _dispatch, one = doubtful
    receipts.store_receipts(channel=channel, notes=[ReceiptNote("v9", True, "DELIVRD", NOON, reference)], now=NOON)

    receipts.merge_receipts(now=NOON)

    assert message(one).state == "UNSURE"
    assert Receipt.objects.get().merged_at is None


def test_a_reference_of_another_channels_message_is_not_believed(doubtful, provider: FakeProvider):
    _channel, _dispatch, one = doubtful
    other = make_channel("other")
    receipts.store_receipts(channel=other, notes=[ReceiptNote("v9", True, "DELIVRD", NOON, f"202611-{one}")], now=NOON)

    receipts.merge_receipts(now=NOON)

    assert message(one).state == "UNSURE"


@pytest.mark.parametrize(("was_sent", "state", "slot"), [(True, "ACCEPTED", True), (False, "REFUSED", False)])
def test_a_person_decides(doubtful, provider: FakeProvider, was_sent, state, slot):
    _channel, dispatch, one = doubtful
    person = make_operator()

    assert unsure.decide(message_ids=[one], was_sent=was_sent, by=person, now=NOON) == 1

    assert (message(one).state, message(one).reason, holds_slot(one)) == (state, "BY_PERSON", slot)
    assert AuditEntry.objects.get(action="unsure.decided").detail == {"messages": [one], "was_sent": was_sent}
    with pytest.raises(HasMoved):
        unsure.decide(message_ids=[one], was_sent=not was_sent, by=person, now=NOON)
    with pytest.raises(DomainError):
        unsure.decide(message_ids=[], was_sent=True, by=person, now=NOON)
    assert_counts_hold(dispatch, 1)


def test_two_workers_ask_about_everybody_once(provider: FakeProvider, race):
    make_channel(batch_size=50)
    dispatch = make_dispatch()
    provider.default = ambiguous
    ids = add_people(dispatch, [mobile(n) for n in range(200)])
    pump_all()
    provider.known = {f"202611-{one}": Accepted(f"v{one}") for one in ids}

    asked, faults = race(lambda _number: sum(iter(lambda: ask(provider, at=NOON + GRACE), 0)), 4)

    assert faults == []
    assert sum(asked) == 200
    assert set(Counter(question.reference for question in provider.questions).values()) == {1}
    assert not UnsureMessage.objects.exists()
    assert_counts_hold(dispatch, 200)


UNCLAIMED = """
SELECT u.message_id, u.month, u.channel_id, u.since, u.check_count, u.absent_count, m.phone_cipher,
       u.since AS submitted_at
FROM delivery_unsuremessage u JOIN delivery_message m ON m.month = u.month AND m.id = u.message_id
WHERE u.next_check_at <= %(now)s ORDER BY u.message_id LIMIT %(limit)s
"""


def test_negative_control_without_the_claim_two_ask_about_the_same(provider: FakeProvider, race, monkeypatch):
    make_channel()
    provider.default = ambiguous
    ids = add_people(make_dispatch(), [mobile(n) for n in range(10)])
    pump_all()
    provider.known = {f"202611-{one}": Accepted(f"v{one}") for one in ids}
    monkeypatch.setattr(unsure, "CLAIM", UNCLAIMED)
    meeting, query = threading.Barrier(2, timeout=10), provider.query
    monkeypatch.setattr(provider, "query", lambda questions: meeting.wait() * 0 or query(questions))

    _asked, faults = race(lambda _number: ask(provider, at=NOON + GRACE), 2)

    assert faults == []
    assert set(Counter(question.reference for question in provider.questions).values()) == {2}


def test_a_person_and_a_provider_who_settle_at_once_settle_once(provider: FakeProvider, race):
    make_channel(batch_size=100)
    dispatch = make_dispatch()
    provider.default = ambiguous
    ids = add_people(dispatch, [mobile(n) for n in range(100)])
    pump_all()
    provider.known = {f"202611-{one}": Accepted(f"v{one}") for one in ids}
    person = make_operator()

    def settle(number: int) -> int:
        if number:
            return ask(provider, at=NOON + GRACE)
        return unsure.decide(message_ids=ids, was_sent=False, by=person, now=NOON)

    _done, faults = race(settle, 2)

    assert all(isinstance(fault, HasMoved) for fault in faults)
    states = {message(one).state for one in ids}
    assert states <= {"ACCEPTED", "REFUSED"} and not UnsureMessage.objects.exists()
    assert all(holds_slot(one) is (message(one).state == "ACCEPTED") for one in ids)
    assert_counts_hold(dispatch, 100)


def test_absent_has_no_say_before_the_grace(provider: FakeProvider, doubtful):
    _channel, _dispatch, one = doubtful
    provider.known[f"202611-{one}"] = Absent()

    for _time in range(5):
        UnsureMessage.objects.update(next_check_at=NOON)
        ask(provider, at=NOON + GRACE - timedelta(seconds=1))

    assert message(one).state == "UNSURE"
