"""The template studio: looks without keeping, keeps without losing, says who may and who was faster."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import permissions
from foundation import clock
from templates_sms.models import Signature, Template, TemplateVersion
from templates_sms.services import save_draft
from tests.console.test_watch import client_of
from tests.factories import NOON, make_channel, make_member, make_operator, make_segment, make_version

pytestmark = pytest.mark.usefixtures("committed")
RISKY = "{称呼|会员}您好，全网最低，满50减10，{个人券}"


@pytest.fixture(autouse=True)
def world(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    make_channel(vendor="simulator", name="三网直连", price=380)
    for number, name in enumerate(("王芳", "李静静", "欧阳娜娜")):
        make_member(number, name=name)


def form(body: str = RISKY, **facts: Any) -> dict[str, Any]:
    signature, _made = Signature.objects.get_or_create(name="鲜禾超市")
    return {"name": "国庆", "tier": "MARKETING", "signature": signature.pk, "body": body} | facts


def draft(body: str = "满50减10") -> Template:
    signature, _made = Signature.objects.get_or_create(name="鲜禾超市")
    return save_draft(
        template_id=None, name="国庆", tier="MARKETING", signature=signature, body=body, by=make_operator(), now=NOON
    )


def text_of(answer: Any) -> str:
    return re.sub(r"<[^>]+>", " ", answer.content.decode())


def test_a_look_shows_everything_and_keeps_nothing():
    answer = client_of("marketing").post("/console/templates/look/", form())

    shown = answer.content.decode()
    assert "现在不能送审：1 处要改" in shown
    assert "全网最低" in shown and "换成“特惠”" in shown
    assert "三网直连" in shown and "欧某某某" in shown and "欧阳娜娜" not in shown
    assert not Template.objects.exists()


def test_people_are_counted_for_the_chosen_members():
    few = make_segment({"op": "all", "rules": [{"field": "city", "op": "in", "value": ["杭州"]}]})
    make_member(9, name="张三", city="杭州")
    client = client_of("marketing")

    def people(**facts: Any) -> str:
        return text_of(client.post("/console/templates/look/", form("满50减10", **facts)))

    assert re.search(r"1 条的人\s+4\s+人", people())
    assert re.search(r"1 条的人\s+1\s+人", people(who=few.pk))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{积分}", "没有“积分”这个字段"),
        ("一\r\n二", "有换行"),
        ("{称呼", "大括号不成对"),
        ("{券码|无}", "不用写替代词"),
    ],
)
def test_what_is_broken_is_said_in_words(body, says):
    assert says in text_of(client_of("marketing").post("/console/templates/look/", form(body)))


def test_one_press_mends_also_without_a_script():
    answer = client_of("marketing").post("/console/templates/new/", form(mend="10:14:特惠"))

    assert "{称呼|会员}您好，特惠，满50减10，{个人券}" in answer.content.decode()
    assert not Template.objects.exists()


def test_a_draft_is_kept_while_it_is_typed_and_goes_to_review_once_mended():
    template, client = draft(), client_of("marketing")
    at = f"/console/templates/{template.pk}/"

    kept = client.post(f"{at}keep/", form(seen=template.changed_at.isoformat()))
    template.refresh_from_db()
    assert (kept.status_code, template.body) == (200, "{name|会员}您好，全网最低，满50减10，{coupon_link}")
    client.post(at, form(submit="", seen=kept.json()["seen"]))
    assert Template.objects.get().state == "DRAFT"
    client.post(at, form(RISKY.replace("全网最低", "特惠"), submit="", seen=kept.json()["seen"]))

    assert Template.objects.get().state == "SUBMITTED"


def test_whoever_was_slower_is_told_and_overwrites_nothing(monkeypatch):
    template, client = draft(), client_of("marketing")
    at, seen = f"/console/templates/{template.pk}/", template.changed_at.isoformat()
    monkeypatch.setattr(clock, "now", lambda: NOON.replace(minute=1))
    client.post(f"{at}keep/", form("我先改的", seen=seen))

    late = client.post(f"{at}keep/", form("我后改的", seen=seen))
    saved = client.post(at, form("我后改的", seen=seen, save=""))

    assert late.status_code == 409 and "刚改过" in late.json()["says"]
    assert saved.status_code == 200 and "我后改的" in saved.content.decode()
    assert Template.objects.get().body == "我先改的"


def test_looking_at_an_approved_text_does_not_void_its_approval():
    version = make_version("满50减10")
    template = version.template
    same = form("满50减10", name=template.name, signature=template.signature_id, seen=template.changed_at.isoformat())

    client_of("marketing").post(f"/console/templates/{template.pk}/keep/", same)

    assert Template.objects.get().state == "APPROVED"


@pytest.mark.parametrize("role", ["approver", "clerk", "it"])
def test_only_authors_look_and_keep(role):
    template, client = draft(), client_of(role)

    answers = [client.post(f"/console/templates/{template.pk}/{door}/", form()) for door in ("look", "keep")]

    assert [one.status_code for one in answers] == [403, 403]
    assert Template.objects.get().body == "满50减10"


def test_a_new_text_is_compared_with_what_was_approved():
    version = make_version("满50减10元")

    shown = client_of("marketing").post(f"/console/templates/{version.template_id}/look/", form("满60减10元"))

    assert '<del class="k-del">50</del><ins class="k-ins">60</ins>' in shown.content.decode()
    assert TemplateVersion.objects.count() == 1


def test_queries_do_not_grow_with_findings_channels_or_names():
    client = client_of("marketing")

    def asked(body: str) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            client.post("/console/templates/look/", form(body))
        return len(captured)

    asked("满减")
    few = asked("满减")
    for number in range(20):
        make_member(100 + number, name="名" * (number + 1))
        make_channel(vendor="simulator", code=f"c{number}", name=f"通道{number}")

    assert asked("最好，最佳，顶级，极品，王牌，万能，全网最低，独一无二") == few
