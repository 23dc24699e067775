"""The person timeline: found by phone, card or code; the verdict is the ledgers'; numbers stay covered."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import permissions
from console.workplaces.person import Person, find
from console.workplaces.timeline import UNDER_WAY, facts_of, happenings, tally, verdict_of
from coupons.services.redeem import redeem
from delivery.models import Message, Reply
from foundation import clock
from foundation.models import AuditEntry, Operator
from foundation.services.phones import hash_phone
from members.models import Member, PhoneGate
from members.services.consent import grant, opt_out
from tests.console.test_watch import client_of
from tests.coupons.tills import ask, make_clerk, make_coupon
from tests.delivery.ledgers import pump_all
from tests.factories import (
    NOON,
    add_people,
    make_channel,
    make_dispatch,
    make_member,
    make_store,
    make_terms,
    make_version,
    mobile,
)
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")
PHONE = mobile(2176)


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def search(client: Any, text: str, **more: str) -> Any:
    return client.post("/console/messages/", {"phone": text, **more})


def agreed(at=NOON - timedelta(days=30)) -> Member:
    """A member whose phone agreed to marketing at an instant."""
    member = make_member(1, phone=PHONE, name="李小红", consent=None)
    grant(phone_hash=hash_phone(PHONE), source="PREFERENCE_PAGE", proof="page", now=at)
    return member


def sent_at(at, *, tier: str = "MARKETING", state: str = "DELIVERED") -> None:
    """One message to the phone that was handed over at an instant."""
    [number] = add_people(make_dispatch(tier=tier), [PHONE], consent=None)
    Message.objects.filter(id=number).update(state=state, submitted_at=at, done_at=at, parts=1, cost=380)


def facts() -> Any:
    return facts_of(find(PHONE), now=NOON)


@pytest.mark.parametrize("text", [PHONE, f" +86 {PHONE} ", "M1"])
def test_a_person_is_found_by_phone_or_card(text):
    agreed()

    shown = search(client_of("marketing"), text).content.decode()

    assert "139****2176" in shown and "李**" in shown
    assert PHONE not in shown and "李小红" not in shown


def test_a_person_is_found_by_coupon_code_which_then_stays_covered():
    member = agreed()
    coupon = make_coupon(make_terms(title="满50减10"), member_id=member.pk)

    shown = search(client_of("marketing"), coupon.code.lower()).content.decode()

    assert "139****2176" in shown and "发券：满50减10" in shown
    assert coupon.code not in shown and coupon.link_token not in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("139 0571 217", "只有 10 位，手机号是 11 位"),
        ("K99", "没有这个卡号的会员"),
        ("K\x0099", "没有这个卡号的会员"),
        ("M7", "会员 M7 没有手机号"),
    ],
)
def test_what_finds_nobody_says_why_and_leaves_no_entry(text, says):
    make_member(7, phone=None)

    answer = search(client_of("marketing"), text)

    assert answer.status_code == 400 and says in answer.content.decode()
    assert not AuditEntry.objects.exists()


def test_a_number_that_nobody_knows_has_an_answer_too():
    answer = search(client_of("marketing"), PHONE)

    assert "没有这个会员，也没发过" in answer.content.decode()
    assert "也不在免打扰名单里" in answer.content.decode()


@pytest.mark.parametrize(
    ("story", "tone", "headline"),
    [
        ([("consent", -30)], "ok", "没有发过营销短信"),
        ([("consent", -30), ("send", -5)], "ok", "先有同意，才发的第一条营销短信"),
        ([("send", -31), ("consent", -30)], "bad", "第一条营销短信早于同意"),
        ([("consent", -30), ("send", -5), ("leave", -2)], "ok", "退订以后没有再发营销短信"),
        ([("consent", -30), ("leave", -2), ("send", -1)], "bad", "退订以后又发了营销短信"),
        ([("consent", -30), ("leave", -2), ("notice", -1)], "ok", "退订以后没有再发营销短信"),
    ],
)
def test_the_verdict_is_what_the_ledgers_say(story, tone, headline):
    make_member(1, phone=PHONE, consent=None)
    make_channel()
    for what, days in story:
        at = NOON + timedelta(days=days)
        if what == "consent":
            grant(phone_hash=hash_phone(PHONE), source="PREFERENCE_PAGE", proof="page", now=at)
        elif what == "leave":
            opt_out(phone_hash=hash_phone(PHONE), source="REPLY", proof="reply:1", now=at)
        else:
            sent_at(at, tier="NOTICE" if what == "notice" else "MARKETING")

    verdict = verdict_of(facts())

    assert (verdict.tone, verdict.headline) == (tone, headline)


@pytest.mark.parametrize(("late", "tone"), [(UNDER_WAY, "ok"), (UNDER_WAY + timedelta(seconds=1), "bad")])
def test_what_was_with_the_channel_already_is_no_breach(late, tone):
    agreed()
    opt_out(phone_hash=hash_phone(PHONE), source="REPLY", proof="reply:1", now=NOON)
    sent_at(NOON + late)

    assert verdict_of(facts()).tone == tone


def test_the_line_of_time_has_everything_and_adds_up(provider: FakeProvider):
    member = agreed()
    make_channel(name="三网直连")
    version = make_version("{name|会员}您好，{coupon_link}")
    add_people(make_dispatch(), [PHONE], version=version, consent=None,
               params={"name": "李小红", "coupon_link": "https://x.cn/c/7KQ2M9XH4TB"})  # fmt: skip
    pump_all()
    sent_at(NOON, state="EXCLUDED")
    coupon = make_coupon(make_terms(title="满50减10"), member_id=member.pk)

    redeem(
        question=ask(make_clerk(make_store(name="武林店")), coupon.code, ticket_fen=6_880), request_id=uuid4(), now=NOON
    )
    Reply.objects.create(channel_id=1, vendor_id="1", phone_hash=hash_phone(PHONE), phone_tail="2176", text="在哪用",
                         state="INBOX", received_at=NOON)  # fmt: skip

    found = facts()
    lines = happenings(found)
    counted = tally(found, now=NOON)

    text = "\n".join(f"{one.title} {one.tag} {one.lines} {one.quote}" for one in lines)
    for words in (
        "三网直连",
        "【佳家超市】李**您好，https://x.cn/c/7K••••",
        "在哪用",
        "核销：满50减10",
        "武林店",
        "同意",
    ):
        assert words in text
    assert "李小红" not in text and "7KQ2M9XH4TB" not in text
    assert [one.at for one in lines] == sorted((one.at for one in lines), reverse=True)
    assert counted["planned"] == 2 and counted["unsent"] == 1
    assert counted["planned"] == sum(counted[one] for one in ("delivered", "failed", "unsent", "open"))


def test_the_whole_number_is_a_permission_a_press_and_an_entry():
    agreed()
    client, token = client_of("marketing"), find(PHONE).token
    assert client.post("/console/messages/", {"person": token, "reveal": ""}).status_code == 403
    operator = Operator.objects.get(username="marketing")
    operator.user_permissions.add(Permission.objects.get(codename="reveal_phone"))

    shown = client.post("/console/messages/", {"person": token, "reveal": ""}).content.decode()

    assert PHONE in shown
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["phone.revealed"]
    assert PHONE not in client.post("/console/messages/", {"person": token}).content.decode()


def test_searches_and_exports_are_written_down_without_the_number():
    member, client = agreed(), client_of("marketing")
    search(client, PHONE)
    sheet = client.post("/console/messages/", {"person": find(PHONE).token, "export": ""})

    text = sheet.content.decode("utf-8-sig")
    assert "139****2176" in text and "同意" in text and PHONE not in text
    entries = AuditEntry.objects.order_by("id")
    assert [one.action for one in entries] == ["phone.searched", "phone.exported"]
    assert all(one.detail == {"member_ids": [member.pk]} and PHONE not in str(one.detail) for one in entries)
    assert "李** · M1" in client.get("/console/messages/").content.decode()


def test_staff_opt_somebody_out_by_the_token_of_the_page():
    agreed()

    client_of("marketing").post("/console/messages/", {"person": find(PHONE).token, "opt_out": ""})

    assert PhoneGate.objects.get().consent == "OPTED_OUT"


def test_a_token_that_was_made_up_finds_nobody():
    agreed()
    forged = Person(hash_phone(PHONE), "", [], None).token[:-3] + "abc"

    assert client_of("marketing").post("/console/messages/", {"person": forged, "opt_out": ""}).status_code == 400
    assert PhoneGate.objects.get().consent == "GRANTED"


@pytest.mark.parametrize(("role", "status"), [("marketing", 200), ("approver", 200), ("clerk", 403), ("it", 403)])
def test_who_may_search(role, status):
    assert search(client_of(role), PHONE).status_code == status


def test_queries_do_not_grow_with_the_history():
    member, client = agreed(), client_of("marketing")
    make_channel()

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            search(client, PHONE)
        return len(captured)

    def live() -> None:
        sent_at(NOON)
        make_coupon(make_terms(), member_id=member.pk)

    live()
    few = asked()
    for _turn in range(6):
        live()

    assert asked() == few
