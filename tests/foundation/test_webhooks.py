"""What other systems are told: everything that is final, once under one number, signed, until it is taken."""

import json
import threading
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from django.db import connection, transaction
from django.test import Client
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from console import permissions
from coupons.models import Redemption
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from foundation import clock
from foundation.crypto import key_ring
from foundation.models import Alert, AuditEntry, WebhookCall, WebhookCursor, WebhookEndpoint
from foundation.services import webhooks
from foundation.services.phones import hash_phone
from foundation.services.retention import apply_to
from members.services.consent import opt_out
from tests.console.test_watch import client_of
from tests.coupons.tills import ask, make_clerk, make_coupon
from tests.factories import NOON, make_member, make_operator, make_store, make_terms, mobile

pytestmark = pytest.mark.usefixtures("committed")
ALL = ("coupon.redeemed", "coupon.reversed", "member.consent_changed")
MINUTE = timedelta(minutes=1)


class Receiver:
    """Another system; answers with `status`, or not at all."""

    def __init__(self, status: int = 204) -> None:
        self.status, self.told = status, []

    def __call__(self, url: str, *, content: str, headers: dict, timeout: httpx.Timeout, follow_redirects: bool):
        assert timeout.read and not follow_redirects
        self.told.append((url, content, headers))
        if not self.status:
            raise httpx.ConnectTimeout("nobody there")
        return httpx.Response(self.status)

    @property
    def news(self) -> list[dict]:
        return [json.loads(content) for _url, content, _headers in self.told]


def endpoint(*topics: str, name: str = "CRM") -> tuple[WebhookEndpoint, str]:
    return webhooks.make_endpoint(
        name=name, url="https://crm.example.cn/hook", topics=topics or ALL, by=make_operator(), now=NOON
    )  # fmt: skip


def tell(receiver: Receiver, *, now=NOON) -> int:
    webhooks.write_calls(now=now)
    return webhooks.call_due(now=now, send=receiver)


def redeemed() -> Redemption:
    store = make_store(uuid4().hex[:6])
    clerk, coupon = make_clerk(store), make_coupon(make_terms(), member_id=None)
    redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)
    return Redemption.objects.get(coupon=coupon)


def test_a_redemption_its_undo_and_an_opt_out_are_told_signed():
    _made, secret = endpoint()
    make_member(1)
    one = redeemed()
    reverse(redemption_no=one.redemption_no, device_id=one.device_id, reason="MISSCAN", by=one.clerk, now=NOON)
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="r", now=NOON)
    receiver = Receiver()

    assert tell(receiver) == 3
    assert {news["type"]: news["data"] for news in receiver.news} == {
        "coupon.redeemed": {
            "redemption_no": one.redemption_no, "store": one.store.code, "batch": one.batch.name,
            "ticket_fen": one.ticket_fen, "saving_fen": 1_000, "card_no": None, "receipt_no": one.receipt_no,
            "redeemed_at": one.redeemed_at.isoformat(),
        },
        "coupon.reversed": {
            "redemption_no": one.redemption_no, "reason": "MISSCAN", "reversed_at": NOON.isoformat()
        },
        "member.consent_changed": {
            "consent": "OPTED_OUT", "source": "REPLY", "card_nos": ["M1"], "changed_at": NOON.isoformat()
        },
    }  # fmt: skip
    _url, content, headers = receiver.told[0]
    assert Webhook(secret).verify(content, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(content.replace("coupon", "c0upon"), headers)
    assert tell(receiver) == 0 and len(receiver.told) == 3


def test_a_new_endpoint_is_told_what_happens_from_now_on_and_only_what_it_wants():
    redeemed()
    endpoint("coupon.redeemed")
    redeemed()
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="r", now=NOON)
    receiver = Receiver()
    tell(receiver)

    assert [news["type"] for news in receiver.news] == ["coupon.redeemed"]


def test_what_is_not_taken_is_repeated_under_its_number_and_given_up_after_two_days():
    endpoint("coupon.redeemed")
    redeemed()
    receiver, now = Receiver(500), NOON
    for wait in webhooks.WAITS:
        assert tell(receiver, now=now) == 0
        assert tell(receiver, now=now + wait - timedelta(seconds=1)) == 0
        now += wait
    tell(receiver, now=now)

    call = WebhookCall.objects.get()
    assert (call.state, call.attempts_count, call.answer) == ("FAILED", len(webhooks.WAITS) + 1, "500")
    assert len(receiver.told) == len(webhooks.WAITS) + 1
    assert {headers["webhook-id"] for _url, _content, headers in receiver.told} == {f"msg_{call.pk}"}
    assert sum(webhooks.WAITS, timedelta()) > timedelta(hours=44)
    assert Alert.objects.get().code == "WEBHOOK_FAILING"

    webhooks.replay(call_id=call.pk, by=make_operator(), now=now)
    receiver.status = 200
    assert tell(receiver, now=now) == 1
    assert WebhookCall.objects.get().state == "DONE" and Alert.objects.get().closed_at == now
    webhooks.replay(call_id=call.pk, by=make_operator(), now=now)
    with pytest.raises(webhooks.HasMoved):
        webhooks.replay(call_id=call.pk, by=make_operator(), now=now)


@pytest.mark.parametrize(("status", "answer"), [(0, "ConnectTimeout"), (301, "301"), (410, "410")])
def test_no_answer_and_a_redirect_are_not_taken(status, answer):
    endpoint("coupon.redeemed")
    redeemed()
    assert tell(Receiver(status)) == 0
    assert (WebhookCall.objects.get().state, WebhookCall.objects.get().answer) == ("WAITING", answer)


def test_while_it_is_switched_off_nothing_is_told_and_nothing_is_lost():
    made, _secret = endpoint("coupon.redeemed")
    webhooks.switch(endpoint_id=made.pk, is_active=False, by=make_operator(), now=NOON)
    redeemed()
    receiver = Receiver()
    assert tell(receiver) == 0
    webhooks.switch(endpoint_id=made.pk, is_active=True, by=make_operator(), now=NOON)

    assert tell(receiver) == 1
    with pytest.raises(webhooks.HasMoved):
        webhooks.switch(endpoint_id=made.pk, is_active=True, by=make_operator(), now=NOON)


def _late_row(is_written: threading.Event, may_commit: threading.Event) -> None:
    """An opt-out that has drawn its number and commits after a later one."""
    with transaction.atomic():
        opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="late", now=NOON)
        is_written.set()
        may_commit.wait(timeout=20)
    connection.close()


def test_a_row_that_commits_late_is_told_all_the_same():
    endpoint("member.consent_changed")
    is_written, may_commit = threading.Event(), threading.Event()
    thread = threading.Thread(target=_late_row, args=(is_written, may_commit))
    thread.start()
    is_written.wait(timeout=20)
    opt_out(phone_hash=hash_phone(mobile(2)), source="REPLY", proof="early", now=NOON)
    receiver = Receiver()
    assert tell(receiver) == 0  # not final yet: somebody still writes
    may_commit.set()
    thread.join(timeout=20)

    assert tell(receiver) == 2


def test_negative_control_without_waiting_the_late_row_is_lost(monkeypatch):
    monkeypatch.setattr(webhooks, "final_ids", lambda ledgers, *, patience_seconds: {
        one.table: webhooks.fetch_value(f"SELECT max(id) FROM {one.table}") or 0 for one in ledgers
    })  # fmt: skip
    endpoint("member.consent_changed")
    is_written, may_commit = threading.Event(), threading.Event()
    thread = threading.Thread(target=_late_row, args=(is_written, may_commit))
    thread.start()
    is_written.wait(timeout=20)
    opt_out(phone_hash=hash_phone(mobile(2)), source="REPLY", proof="early", now=NOON)
    receiver = Receiver()
    tell(receiver)
    may_commit.set()
    thread.join(timeout=20)
    tell(receiver)

    assert len(receiver.told) == 1


def test_four_writers_at_once_write_each_call_once(race):
    endpoint("coupon.redeemed")
    for _number in range(5):
        redeemed()
    _counts, faults = race(lambda _number: webhooks.write_calls(now=NOON), 4)

    assert not faults and WebhookCall.objects.count() == 5


def test_four_callers_at_once_call_once(race):
    endpoint("coupon.redeemed")
    for _number in range(8):
        redeemed()
    webhooks.write_calls(now=NOON)
    receiver = Receiver()
    counts, faults = race(lambda _number: webhooks.call_due(now=NOON, send=receiver), 4)

    assert not faults and sum(counts) == 8
    assert len({headers["webhook-id"] for _url, _content, headers in receiver.told}) == len(receiver.told) == 8


def test_a_caller_that_died_leaves_its_calls_to_the_next():
    endpoint("coupon.redeemed")
    redeemed()
    webhooks.write_calls(now=NOON)

    def die(*_args, **_more):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        webhooks.call_due(now=NOON, send=die)
    receiver = Receiver()
    assert webhooks.call_due(now=NOON + MINUTE, send=receiver) == 0
    assert webhooks.call_due(now=NOON + webhooks.LEASE, send=receiver) == 1


def test_more_than_a_page_of_rows_is_told_whole(monkeypatch):
    monkeypatch.setattr(webhooks, "ROWS_AT_ONCE", 2)
    endpoint("coupon.redeemed")
    for _number in range(5):
        redeemed()
    written = [webhooks.write_calls(now=NOON) for _round in range(4)]

    assert written == [2, 2, 1, 0]
    assert WebhookCursor.objects.get().last_id == Redemption.objects.order_by("-pk")[0].pk


def test_nobody_is_called_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError):
        webhooks.call_due(now=NOON)


def test_old_calls_are_forgotten_and_waiting_ones_stay():
    endpoint("coupon.redeemed")
    redeemed()
    tell(Receiver())
    redeemed()
    webhooks.write_calls(now=NOON)

    assert apply_to("foundation.WebhookCall", now=NOON + timedelta(days=30) + MINUTE) == 1
    assert WebhookCall.objects.get().state == "WAITING"


@pytest.fixture
def it(monkeypatch) -> Client:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    return client_of("it")


def form(**facts) -> dict:
    return {"name": "会员系统", "url": "https://crm.example.cn/hook", "topics": ["coupon.redeemed"]} | facts


def test_it_makes_a_webhook_and_sees_its_secret_once(it):
    answer = it.post("/console/webhooks/new/", form())
    made = WebhookEndpoint.objects.get()
    secret = key_ring().decrypt(bytes(made.cipher))

    assert secret in answer.content.decode() and answer["Cache-Control"] == "no-store"
    assert secret not in it.get(f"/console/webhooks/{made.pk}/").content.decode()
    assert not any(secret in json.dumps(one.detail) for one in AuditEntry.objects.all())
    assert "已有同名" in it.post("/console/webhooks/new/", form()).content.decode()
    assert "会员系统" in it.get("/console/webhooks/").content.decode()


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://x.cn/"}, {"url": "javascript:1"}, {"url": ""}, {"topics": []}, {"topics": ["x"]}]
)
def test_a_wrong_form_makes_nothing(it, wrong):
    it.post("/console/webhooks/new/", form(**wrong))
    assert not WebhookEndpoint.objects.exists()


def test_it_tells_again_and_switches_off(it):
    made, _secret = endpoint("coupon.redeemed")
    redeemed()
    tell(Receiver())
    call = WebhookCall.objects.get()
    it.post(f"/console/webhooks/calls/{call.pk}/replay/")
    assert WebhookCall.objects.get().state == "WAITING"
    it.post(f"/console/webhooks/{made.pk}/off/")
    assert not WebhookEndpoint.objects.get().is_active


@pytest.mark.parametrize("role", ["marketing", "approver", "clerk", "store_manager"])
def test_nobody_but_it_sees_or_changes_webhooks(role):
    permissions.sync()
    made, _secret = endpoint("coupon.redeemed")
    browser = client_of(role)
    for path in ("", "new/", f"{made.pk}/"):
        assert browser.get(f"/console/webhooks/{path}").status_code == 403
    for path in (f"{made.pk}/off/", "calls/1/replay/", "new/"):
        assert browser.post(f"/console/webhooks/{path}", form()).status_code == 403
