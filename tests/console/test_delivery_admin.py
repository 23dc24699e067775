"""The admin pages of the engine: who opens them, what can be written there, what is only shown."""

import pytest

from console import permissions
from delivery.models import Brake, CalendarDay, Click, Link, ReceiptCode, Reply, ReplyAnswer, Route
from delivery.services import brakes
from foundation.models import AuditEntry
from tests.console.test_watch import client_of
from tests.factories import NOON, make_operator, uuid_of

pytestmark = pytest.mark.usefixtures("committed")

IT_PAGES = ["receiptcode", "calendarday", "route", "channel", "dispatch", "brake"]


@pytest.fixture(autouse=True)
def roles(committed: None) -> None:
    """The groups."""
    permissions.sync()


@pytest.mark.parametrize("name", IT_PAGES)
def test_it_opens_the_lists_and_a_clerk_none(name):
    assert client_of("it").get(f"/console/delivery/{name}/").status_code == 200
    assert client_of("clerk").get(f"/console/delivery/{name}/").status_code in (302, 403)


def test_it_gives_a_code_a_meaning_and_changes_it():
    client = client_of("it")
    facts = {"code": "ZZ:0001", "meaning": "号码停用", "advice": "不用处理", "effect": "SOFT"}
    client.post("/console/delivery/receiptcode/add/", facts)
    assert ReceiptCode.objects.get(pk="ZZ:0001").effect == "SOFT"

    client.post("/console/delivery/receiptcode/ZZ_3A0001/change/", facts | {"effect": "HARD"})

    assert ReceiptCode.objects.get(pk="ZZ:0001").effect == "HARD"
    assert AuditEntry.objects.get(action="receiptcode.changed").detail == {"fields": ["effect"]}


def test_a_code_is_not_deleted_by_it():
    ReceiptCode.objects.update_or_create(code="ZZ:0001", defaults={"meaning": "号码停用"})

    answer = client_of("it").post("/console/delivery/receiptcode/ZZ_3A0001/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert ReceiptCode.objects.filter(code="ZZ:0001").exists()


def test_it_adds_a_day_and_changes_a_route():
    client = client_of("it")
    Route.objects.create(tier="NOTICE")

    client.post("/console/delivery/calendarday/add/", {"day": "2030-06-18", "kind": "BLACKOUT", "name": "盘点"})
    client.post("/console/delivery/route/NOTICE/change/", {"policy": "CHEAPEST"})

    assert CalendarDay.objects.get(day="2030-06-18").kind == "BLACKOUT"
    assert Route.objects.get().policy == "CHEAPEST"


def test_a_brake_is_shown_and_can_not_be_let_go_here():
    brakes.pull(scope="TIER:MARKETING", reason="价格写错了", by=make_operator(display_name="李雯"), now=NOON)
    client = client_of("it")

    shown = client.get("/console/delivery/brake/").content.decode()
    refused = [
        client.get("/console/delivery/brake/add/").status_code,
        client.post("/console/delivery/brake/TIER_3AMARKETING/delete/", {"post": "yes"}).status_code,
        client.post("/console/delivery/brake/TIER_3AMARKETING/change/", {"reason": "x"}).status_code,
    ]

    assert "价格写错了" in shown and "李雯" in shown
    assert refused == [403, 403, 403]
    assert Brake.objects.get().reason == "价格写错了"


def test_a_reply_shows_who_answered_it_and_nothing_of_it_can_be_changed():
    reply = Reply.objects.create(
        channel_id=1, vendor_id="r1", phone_hash=uuid_of("a"), phone_tail="0001", text="几点开门", received_at=NOON
    )
    ReplyAnswer.objects.create(reply=reply, dispatch_id=4711, by=make_operator(display_name="李雯"), at=NOON)
    client = client_of("marketing")

    shown = client.get(f"/console/delivery/reply/{reply.pk}/change/").content.decode()
    answer = client.post(f"/console/delivery/reply/{reply.pk}/change/", {"text": "x"})

    assert "李雯" in shown and "4711" in shown and "answers-0-DELETE" not in shown
    assert answer.status_code == 403
    assert Reply.objects.get().text == "几点开门"


def test_a_link_shows_people_previews_and_double_hits_with_the_rule():
    link = Link.objects.create(token="t" * 11, target="https://example.cn/", created_at=NOON)
    for kind, times in ((False, False), 5), ((True, False), 3), ((False, True), 2):
        for _time in range(times):
            Click.objects.create(link=link, at=NOON, is_preview=kind[0], is_repeat=kind[1])

    shown = client_of("marketing").get(
        f"/console/delivery/link/{link.pk}/change/", headers={"Accept-Language": "en"}
    ).content.decode()  # fmt: skip

    assert "5 by people, 3 previews, 2 double hits" in shown
    assert "loads ahead" in shown and "within 30 seconds" in shown
