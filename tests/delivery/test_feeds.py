"""What systems are told of their notices: every end, signed, over HTTP; nothing of campaigns."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from delivery.models import Message, MessageNews
from delivery.rules.reference import reference_of
from delivery.services import receipts, sweep
from delivery.services.single import send_one
from foundation.models import WebhookCall
from foundation.services import webhooks
from foundation.services.phones import hash_phone
from members.services.suppression import suppress
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, make_version, mobile
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")


class Inbox(HTTPServer):
    """Another system on this machine; keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.told: list[tuple[dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Taker(BaseHTTPRequestHandler):
    """Answers 204."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.told.append(({key.lower(): value for key, value in self.headers.items()}, body))  # type: ignore
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """In silence."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join(timeout=20)
    server.server_close()


def notice(key: str, phone: str) -> Message:
    """A notice that a system asked for."""
    version = make_version("您的订单 {answer} 已备好", tier="NOTICE")
    sent, _new = send_one(
        source=f"api:7:{key}", phone=phone, version=version, params={"answer": "A1"}, by=make_operator(), now=NOON
    )  # fmt: skip
    return sent


def receipt(provider: FakeProvider, channel: Any, message: Message, code: str) -> None:
    notes = provider.receipts(f"v{message.month:%Y%m}-{message.id} {code}".encode())
    receipts.store_receipts(channel=channel, now=NOON, notes=notes)
    receipts.merge_receipts(now=NOON)


def tell(inbox: Inbox) -> list[dict[str, Any]]:
    """What the system is told now."""
    before = len(inbox.told)
    webhooks.write_calls(now=NOON)
    webhooks.call_due(now=NOON)
    return [json.loads(body)["data"] for _headers, body in inbox.told[before:]]


def test_each_end_of_a_notice_is_told_once_over_http(inbox: Inbox, provider: FakeProvider):
    channel = make_channel()
    _made, secret = webhooks.make_endpoint(
        name="Shop", url=inbox.url, topics=["message.state_changed"], by=make_operator(), now=NOON
    )  # fmt: skip
    good, bad, held = notice("order-1", mobile(1)), notice("order-2", mobile(2)), notice("order-3", mobile(3))
    suppress(phone_hash=hash_phone(mobile(3)), kind="MANUAL", now=NOON)
    pump_all(lane="urgent")
    assert [one["state"] for one in tell(inbox)] == ["EXCLUDED"]
    receipt(provider, channel, good, "DELIVRD")
    receipt(provider, channel, bad, "UNDELIV")

    told = {one["idempotency_key"]: one for one in tell(inbox)}
    assert told["order-1"] == {
        "id": reference_of(good.month, good.id), "state": "DELIVERED", "reason": "",
        "idempotency_key": "order-1", "at": NOON.isoformat(),
    }  # fmt: skip
    assert (told["order-2"]["state"], told["order-2"]["reason"]) == ("UNDELIVERED", "UNDELIV")
    assert tell(inbox) == [] and {one["id"] for one in told.values()} | {reference_of(held.month, held.id)} == {
        reference_of(one.month, one.message_id) for one in MessageNews.objects.all()
    }
    headers, body = inbox.told[0]
    assert Webhook(secret).verify(body, headers) and mobile(3) not in body
    assert set(WebhookCall.objects.values_list("state", flat=True)) == {"DONE"}


def test_a_later_receipt_that_says_otherwise_is_told_too(provider: FakeProvider):
    channel, one = make_channel(), notice("order-1", mobile(1))
    pump_all(lane="urgent")
    receipt(provider, channel, one, "DELIVRD")
    receipt(provider, channel, one, "UNDELIV")

    assert list(MessageNews.objects.order_by("id").values_list("state", flat=True)) == ["DELIVERED", "UNDELIVERED"]


def test_a_notice_that_nobody_reports_or_that_expires_is_told(provider: FakeProvider):
    make_channel()
    notice("order-1", mobile(1))
    pump_all(lane="urgent")
    notice("order-2", mobile(2))
    sweep.end_waiting(now=NOON + timedelta(days=2))
    sweep.mark_unreported(now=NOON + timedelta(days=4))

    assert sorted(MessageNews.objects.values_list("state", flat=True)) == ["EXPIRED", "UNREPORTED"]


@pytest.mark.parametrize("tier", ["MARKETING", "NOTICE"])
def test_a_dispatch_of_our_own_leaves_no_news(provider: FakeProvider, tier: str):
    channel = make_channel()
    dispatch = make_dispatch(tier=tier)
    add_people(dispatch, [mobile(number) for number in range(20)])
    pump_all(lane="bulk" if tier == "MARKETING" else "urgent")
    for one in Message.objects.all():
        receipt(provider, channel, one, "DELIVRD")

    assert set(Message.objects.values_list("state", flat=True)) == {"DELIVERED"}
    assert not MessageNews.objects.exists()
