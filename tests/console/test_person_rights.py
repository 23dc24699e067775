"""What a person may ask for, a copy and to be erased: by the right hands, with a reason, in the audit."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from console import permissions
from console.workplaces.person import find
from coupons.services.redeem import redeem
from delivery.models import Message, Reply
from foundation import clock
from foundation.models import AuditEntry, Job, Operator
from foundation.services import jobs
from foundation.services.phones import hash_phone, seal
from members.models import ImportChange, ImportFile, Member, Order, OrderLine
from members.services.consent import grant
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

pytestmark = pytest.mark.usefixtures("committed")
PHONE = mobile(2176)
PAGE = "/console/messages/person/"


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


@pytest.fixture
def member() -> Member:
    found = make_member(1, phone=PHONE, name="李小红", city="杭州", consent=None)
    grant(phone_hash=hash_phone(PHONE), source="PREFERENCE_PAGE", proof="page:/p/", now=NOON - timedelta(days=400))
    return found


def ask_for(client: Any, **more: str) -> Any:
    return client.post(PAGE, {"person": find(PHONE).token, **more})


def erase_form(**more: str) -> dict[str, str]:
    return {"erase": "", "erase-reason": "WISH", "erase-tail": "2176", "erase-case": "K-17"} | more


def test_the_page_says_what_goes_and_what_stays_before_anything_does(member):
    make_coupon(make_terms(), member_id=member.pk)
    add_people(make_dispatch(), [PHONE], consent=None)

    shown = ask_for(client_of("approver")).content.decode()

    for words in (
        "139****2176",
        "李**",
        "1 张会员卡的资料",
        "其中 1 条还没发",
        "1 张未用的券：立即作废",
        "1 条同意和退订记录",
    ):
        assert words in shown
    assert PHONE not in shown and "李小红" not in shown
    assert Member.objects.present().exists() and not Job.objects.exists()


def test_a_person_is_erased_with_reason_and_the_end_of_the_number(member, provider):
    client, token = client_of("approver"), find(PHONE).token
    answer = client.post(PAGE, {"person": token, **erase_form()}).content.decode()
    assert "正在删除" in answer and not Member.objects.present().exists()
    jobs.run_due(now=NOON)

    shown = client.post(PAGE, {"person": token}).content.decode()
    assert "已不再保存能认出本人的信息" in shown and "永久删除" not in shown
    entry = AuditEntry.objects.get(action="member.erased")
    assert entry.detail == {"member_ids": [member.pk], "reason": "WISH", "case": "K-17"}
    assert entry.actor == Operator.objects.get(username="approver")
    assert "没有这个会员" not in client.post("/console/messages/", {"phone": PHONE}).content.decode()


def test_an_erase_that_stopped_is_taken_up_from_the_page_and_new_rows_can_be_erased_too(member, monkeypatch):
    client, token = client_of("approver"), find(PHONE).token
    monkeypatch.setattr("coupons.services.erasing.erase", lambda **_facts: 1 / 0)
    client.post(PAGE, {"person": token, **erase_form()})
    jobs.run_due(now=NOON)
    shown = client.post(PAGE, {"person": token}).content.decode()
    assert "删除中断" in shown and "永久删除" in shown
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    client.post(PAGE, {"person": token, "erase": "", "erase-reason": "WISH"})
    jobs.run_due(now=NOON)
    assert "永久删除" not in client.post(PAGE, {"person": token}).content.decode()

    make_member(9, phone=PHONE)
    assert "永久删除" in client.post(PAGE, {"person": token}).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"erase-tail": "2177"}, {"erase-tail": ""}, {"erase-reason": "SYSTEM"}, {"erase-reason": ""},
              {"erase-case": "李小红"}]
)  # fmt: skip
def test_what_is_not_sure_erases_nothing(member, wrong):
    answer = ask_for(client_of("approver"), **erase_form(**wrong))

    assert 'class="errorlist"' in answer.content.decode()
    assert Member.objects.present().exists() and not Job.objects.exists()


@pytest.mark.parametrize("role", ["marketing", "it", "clerk", "store_manager"])
def test_nobody_else_may_erase_or_hand_out(member, role):
    client = client_of(role)
    for form in ({}, erase_form(), {"copy": "", "copy-reason": "WISH"}):
        assert ask_for(client, **form).status_code == 403
    assert Member.objects.present().exists()
    if role == "marketing":
        assert "messages/person" not in client.post("/console/messages/", {"phone": PHONE}).content.decode()


def test_each_right_opens_its_own_half(member):
    client = client_of("marketing")
    operator = Operator.objects.get(username="marketing")
    operator.user_permissions.add(Permission.objects.get(codename="export_member"))
    shown = ask_for(client).content.decode()

    assert "导出全部个人信息" in shown and "永久删除" not in shown
    assert ask_for(client, **erase_form()).status_code == 403


def test_an_address_alone_leads_back_to_the_search():
    assert client_of("approver").get(PAGE)["Location"] == "/console/messages/"
    assert client_of("it").get(PAGE).status_code == 403


def copy_of(client: Any) -> tuple[dict[str, Any], str]:
    answer = ask_for(client, copy="", **{"copy-reason": "WISH", "copy-case": "K-18"})
    assert answer["Content-Type"] == "application/zip"
    file = zipfile.ZipFile(io.BytesIO(answer.content))
    return json.loads(file.read("person.json")), file.read("person.html").decode()


def test_the_copy_has_everything_about_the_person_and_nothing_of_others(member, provider):
    make_channel(name="三网直连")
    version = make_version("{name|会员}您好，{coupon_link}")
    params = {"name": "李小红", "coupon_link": "https://x.cn/c/7KQ2M9XH4TB"}
    add_people(make_dispatch(), [PHONE], version=version, consent=None, params=params)
    pump_all()
    [left] = add_people(make_dispatch(), [PHONE], consent=None)
    Message.objects.filter(id=left).update(state="EXCLUDED", reason="CAP_DAY")
    coupon = make_coupon(make_terms(title="满50减10"), member_id=member.pk)
    redeem(
        question=ask(make_clerk(make_store(name="武林店")), coupon.code, ticket_fen=6_880), request_id=uuid4(), now=NOON
    )
    Reply.objects.create(channel_id=1, vendor_id="1", phone_hash=hash_phone(PHONE), phone_tail="2176", text="在哪用",
                         state="INBOX", received_at=NOON)  # fmt: skip
    order = Order.objects.create(order_no="O1", member=member, paid_at=NOON, amount_fen=6_880)
    OrderLine.objects.create(order=order, sku="K", product="特仑苏", quantity_milli=1_000, amount_fen=6_880)
    imported = ImportFile.objects.create(kind="MEMBERS", name="会员.csv", path="x", received_at=NOON)
    ImportChange.objects.create(import_file=imported, member=member, before={"city": "上海"}, after={"city": "杭州"})
    other = make_member(2, phone=mobile(5), name="王五")
    make_coupon(make_terms(title="别人的"), member_id=other.pk)

    whole, page = copy_of(client_of("approver"))

    assert (whole["members"][0]["name"], whole["members"][0]["phone"]) == ("李小红", "139****2176")
    assert whole["orders"][0]["articles"] == "特仑苏" and whole["orders"][0]["yuan"] == "68.80"
    assert [one["proof"] for one in whole["consents"]] == ["page:/p/"]
    assert whole["messages"][1]["text"].startswith("【佳家超市】李小红您好，https://x.cn/c/7K••••")
    assert (whole["messages"][0]["state"], bool(whole["messages"][0]["reason"])) == ("扣除", True)
    assert whole["replies"][0]["text"] == "在哪用" and whole["redemptions"][0]["saved_yuan"] == "10.00"
    assert "city: 上海 → 杭州" in whole["imports"][0]["changed"]
    text = json.dumps(whole, ensure_ascii=False) + page
    for words in ("特仑苏", "满50减10", "武林店", "会员.csv"):
        assert words in page
    assert not [
        one for one in (PHONE, "王五", "别人的", coupon.code, "7KQ2M9XH4TB", str(hash_phone(PHONE))) if one in text
    ]
    entry = AuditEntry.objects.get(action="member.exported")
    assert entry.detail == {"reason": "WISH", "case": "K-18", "member_ids": [member.pk]}


def test_the_whole_number_is_handed_out_by_those_who_may_see_it_and_written_down(member):
    client = client_of("approver")
    Operator.objects.get(username="approver").user_permissions.add(Permission.objects.get(codename="reveal_phone"))
    whole, _page = copy_of(client)

    assert whole["members"][0]["phone"] == PHONE
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"phone.revealed", "member.exported"}


def test_names_in_the_copy_can_not_run_in_a_browser(member):
    Member.objects.update(name="<script>alert(1)</script>")
    _whole, page = copy_of(client_of("approver"))

    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_number_that_was_never_stored_can_be_erased_by_its_hash_alone():
    phone = mobile(88)
    Reply.objects.create(channel_id=1, vendor_id="1", phone_hash=seal(phone).hash, phone_tail="0088", text="在哪用",
                         state="INBOX", received_at=NOON)  # fmt: skip
    token = find(phone).token
    answer = client_of("approver").post(PAGE, {"person": token, "erase": "", "erase-reason": "WISH"}).content.decode()
    jobs.run_due(now=NOON)

    assert "正在删除" in answer and Reply.objects.get().text == ""
