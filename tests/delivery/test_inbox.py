from datetime import timedelta

import pytest
from django.test import Client
from django.urls import include, path

from delivery.models import Click, Link, Receipt, ReceiptCode, Reply, ReplyState
from delivery.port import ReceiptNote, ReplyNote
from delivery.queries.strays import latest_unread
from delivery.services import pump, receipts, replies, sweep
from foundation import clock
from foundation.models import Alert
from foundation.services import outbox
from foundation.services.phones import hash_phone
from members.models import ConsentEvent, PhoneGate, Suppression
from tests.delivery.ledgers import assert_counts_hold, choose, hand_over, message, pump_all, states
from tests.factories import NOON, add_people, make_channel, make_dispatch, mobile
from tests.fakes.provider import FakeProvider

urlpatterns = [path("", include("delivery.urls"))]
pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.urls(__name__)]


def note(message_id: int, code: str = "DELIVRD") -> ReceiptNote:
    return ReceiptNote(f"v202611-{message_id}", code == "DELIVRD", code, NOON)


def take(channel, *notes: ReceiptNote, now=NOON) -> int:
    """Store receipts and merge them."""
    receipts.store_receipts(channel=channel, notes=notes, now=now)
    return receipts.merge_receipts(now=now)


def test_a_receipt_settles_its_message(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    good, bad, silent = add_people(dispatch, [mobile(n) for n in range(3)])
    pump_all()

    assert take(channel, note(good), note(bad, "MK:0001")) == 2

    assert (message(good).state, message(good).reason, message(good).cost) == ("DELIVERED", "", 450)
    assert (message(bad).state, message(bad).reason, message(bad).done_at) == ("UNDELIVERED", "MK:0001", NOON)
    assert message(silent).state == "ACCEPTED"
    assert_counts_hold(dispatch, 3)


def test_a_repeated_receipt_is_one_row_and_changes_nothing(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()
    take(channel, note(one))

    assert take(channel, note(one), note(one), now=NOON + timedelta(hours=1)) == 0

    assert (Receipt.objects.count(), message(one).done_at) == (1, NOON)
    assert_counts_hold(dispatch, 1)


@pytest.mark.parametrize("codes", [("DELIVRD", "UNDELIV"), ("UNDELIV", "DELIVRD")])
def test_of_receipts_in_one_batch_the_worst_wins_in_any_order(provider: FakeProvider, codes):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()

    assert take(channel, *[note(one, code) for code in codes]) == 2

    assert (message(one).state, message(one).reason) == ("UNDELIVERED", "UNDELIV")
    assert_counts_hold(dispatch, 1)


@pytest.mark.parametrize("codes", [("DELIVRD", "UNDELIV"), ("UNDELIV", "DELIVRD")])
def test_of_receipts_hours_apart_the_worst_wins_in_any_order(provider: FakeProvider, codes):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()

    for hours, code in enumerate(codes):
        assert take(channel, note(one, code), now=NOON + timedelta(hours=hours)) == 1

    assert (message(one).state, message(one).reason) == ("UNDELIVERED", "UNDELIV")
    assert not Receipt.objects.filter(merged_at__isnull=True).exists()
    assert_counts_hold(dispatch, 1)


def test_a_receipt_that_comes_before_the_accept_was_recorded_waits_for_it(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    chunk = choose()
    outcomes = hand_over(chunk)
    take(channel, note(one))
    assert message(one).state == "CLAIMED"

    pump.record(chunk=chunk, outcomes=outcomes, now=NOON)

    assert receipts.merge_receipts(now=NOON) == 0
    assert receipts.merge_receipts(now=NOON + timedelta(seconds=2)) == 1
    assert message(one).state == "DELIVERED"
    assert_counts_hold(dispatch, 1)


def test_an_unknown_receipt_is_kept_and_a_receipt_of_another_channel_is_unknown(provider: FakeProvider):
    channel, other, dispatch = make_channel(), make_channel("other", weight=0), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()

    take(other, note(one))

    assert message(one).state == "ACCEPTED"
    assert Receipt.objects.filter(merged_at__isnull=True, channel_id=other.pk).count() == 1
    assert take(channel, note(one)) == 1


def test_a_very_late_receipt_still_counts(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()
    later = NOON + timedelta(hours=80)
    sweep.mark_unreported(now=later)
    assert message(one).state == "UNREPORTED"

    take(channel, note(one), now=later)

    assert (message(one).state, message(one).reason, message(one).done_at) == ("DELIVERED", "", later)
    assert_counts_hold(dispatch, 1)


@pytest.mark.parametrize("text", ["回T退订", "ｔ", "TD", "退 订"])
def test_an_opt_out_by_reply_acts_at_once(provider: FakeProvider, text):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])

    replies.receive_replies(channel=channel, notes=[ReplyNote("r1", f"+86 {mobile(1)}", text)], now=NOON)
    pump_all()

    assert (message(one).state, message(one).reason) == ("EXCLUDED", "OPTED_OUT")
    reply = Reply.objects.get()
    assert (reply.state, reply.phone_tail, reply.text) == (ReplyState.OPT_OUT, mobile(1)[-4:], text)
    event = ConsentEvent.objects.get()
    assert (event.consent, event.source, event.proof, event.at) == ("OPTED_OUT", "REPLY", f"reply:{reply.pk}", NOON)
    assert provider.calls == []


def test_a_question_goes_to_the_inbox_and_changes_no_consent(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    add_people(dispatch, [mobile(1)])

    replies.receive_replies(channel=channel, notes=[ReplyNote("r1", mobile(1), "几点关门？")], now=NOON)
    pump_all()

    assert Reply.objects.get().state == ReplyState.INBOX
    assert states(dispatch) == {"ACCEPTED": 1}
    assert not ConsentEvent.objects.exists()


def test_a_repeated_reply_is_one_row_and_one_opt_out():
    channel = make_channel()
    said = ReplyNote("r1", mobile(1), "T")

    assert replies.receive_replies(channel=channel, notes=[said, said], now=NOON) == 1
    PhoneGate.objects.update(consent="GRANTED")  # the person came back; the provider tells the old reply again
    assert replies.receive_replies(channel=channel, notes=[said], now=NOON) == 0

    assert (Reply.objects.count(), ConsentEvent.objects.count()) == (1, 1)
    assert PhoneGate.objects.get().consent == "GRANTED"


def test_a_reply_from_a_short_code_is_nobodys():
    assert replies.receive_replies(channel=make_channel(), notes=[ReplyNote("r1", "10086", "T")], now=NOON) == 0

    assert not Reply.objects.exists()


def test_the_webhooks_take_receipts_and_replies_by_their_token(provider: FakeProvider, client: Client):
    make_channel(webhook_token="s3cret-token")
    dispatch = make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()

    told = client.post("/hooks/s3cret-token/receipts/", f"v202611-{one} DELIVRD", content_type="text/plain")
    said = client.post("/hooks/s3cret-token/replies/", f"r1 {mobile(1)} 退订", content_type="text/plain")
    receipts.merge_receipts(now=clock.now())

    assert (told.status_code, told.json()) == (200, {"received": 1})
    assert (said.status_code, said.json()) == (200, {"received": 1})
    assert message(one).state == "DELIVERED"
    assert PhoneGate.objects.get(phone_hash=hash_phone(mobile(1))).consent == "OPTED_OUT"


@pytest.mark.parametrize("address", ["/hooks/wrong/receipts/", "/hooks/%00/receipts/", "/hooks/一/replies/"])
def test_an_unknown_address_is_nobodys(client: Client, address):
    make_channel()

    assert client.post(address, "v1 DELIVRD", content_type="text/plain").status_code == 404

    assert not Receipt.objects.exists()


def test_one_row_that_can_not_be_read_costs_no_other_and_is_kept_for_people(client: Client):
    channel = make_channel(vendor="simulator", webhook_token="token-one")
    good = {"vendor_id": "a", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}
    bad = good | {"at": "noon", "phone": mobile(1)}

    answer = client.post("/hooks/token-one/receipts/", {"receipts": [bad, good]}, content_type="application/json")

    assert (answer.status_code, answer.json()) == (200, {"received": 1})
    assert [one.vendor_id for one in Receipt.objects.all()] == ["a"]
    [(kept, row)] = latest_unread(limit=10)
    assert (kept.channel_id, kept.kind, kept.fault) == (channel.pk, "RECEIPT", "at must be an ISO 8601 instant.")
    assert '"at": "noon"' in row and mobile(1) not in row and mobile(1)[-4:] in row
    assert mobile(1).encode() not in bytes(kept.row_cipher)
    alert = Alert.objects.get()
    assert (alert.code, alert.facts["why"]) == ("NOTES_UNREAD", kept.fault)


def test_a_reply_from_no_mobile_number_is_kept_unread(provider: FakeProvider):
    channel = make_channel()
    notes = [ReplyNote("r1", "10086", "TD"), ReplyNote("r2", mobile(1), "TD")]

    assert replies.receive_replies(channel=channel, notes=notes, now=NOON) == 1

    [(kept, row)] = latest_unread(limit=10)
    assert kept.kind == "REPLY" and "10086" in row and "TD" in row


def test_a_number_that_turns_out_dead_rests_although_its_message_had_failed_before(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()
    ReceiptCode.objects.update_or_create(code="MK:0001", defaults={"meaning": "空号", "effect": "HARD"})
    take(channel, note(one, "EXPIRED"))
    outbox.run_due(now=NOON)
    assert not Suppression.objects.exists()

    take(channel, note(one, "MK:0001"), now=NOON + timedelta(hours=1))
    outbox.run_due(now=NOON + timedelta(hours=1))

    assert (message(one).state, message(one).reason) == ("UNDELIVERED", "EXPIRED")
    assert Suppression.objects.get().phone_hash == hash_phone(mobile(1))


def test_too_many_notes_are_refused_as_a_whole(provider: FakeProvider, client: Client):
    make_channel()
    body = "\n".join(f"v{n} DELIVRD" for n in range(1_001))

    answer = client.post("/hooks/token-one/receipts/", body, content_type="text/plain")

    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")
    assert not Receipt.objects.exists()


def test_a_short_link_leads_on_and_counts_people_apart_from_machines(client: Client):
    link = Link.objects.create(token="abcDEF12345", target="https://example.com/x", created_at=NOON)

    person = client.get("/l/abcDEF12345", headers={"user-agent": "Mozilla"})
    client.get("/l/abcDEF12345", headers={"user-agent": "Twitterbot/1.0"})

    assert (person.status_code, person.headers["Location"]) == (302, link.target)
    assert list(Click.objects.order_by("id").values_list("is_preview", flat=True)) == [False, True]
    assert client.get("/l/unknown").status_code == 404
    assert client.get("/l/abcDEF12346").status_code == 404
    assert client.get("/l/%00").status_code == 404
