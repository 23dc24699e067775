"""The pages of segments: who may do what, figures, faults, why somebody is not in it, saving."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from console import permissions
from console.workplaces.segment_look import Look
from foundation import clock
from foundation.models import AuditEntry
from members.models import CategoryPurchase, Segment
from members.queries.segment_picture import Picture
from tests.console.test_watch import client_of
from tests.factories import NOON, make_campaign, make_channel, make_member, make_segment, make_store, mobile

pytestmark = pytest.mark.django_db
NEW = "/console/segments/new/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def people(monkeypatch):
    """Hangzhou: 3, of whom 2 sleep, of whom 1 bought fruit; Shanghai: 1 who sleeps."""
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    store = make_store("S1", name="西湖店", city="杭州")
    for number, (city, days) in enumerate([("杭州", 40), ("杭州", 50), ("杭州", 2), ("上海", 60)], start=1):
        member = make_member(number, name="张三丰", city=city, home_store=store, lifecycle="ACTIVE",
                             last_purchase_at=NOON - timedelta(days=days))  # fmt: skip
        if number in (1, 3):
            CategoryPurchase.objects.create(
                member=member, category="果蔬", last_bought_at=NOON - timedelta(days=days), order_count=1, spend_fen=1
            )


def tree(**more):
    """The form of: asleep for 30 days, in Hangzhou, bought fruit."""
    return {
        "n.is": "all",
        "n.0.field": "last_purchase_days", "n.0.was": "last_purchase_days", "n.0.op": "more_than", "n.0.value": "30",
        "n.1.field": "city", "n.1.was": "city", "n.1.op": "in", "n.1.value": "杭州",
        "n.2.field": "category", "n.2.was": "category", "n.2.op": "bought", "n.2.value": "果蔬",
    } | more  # fmt: skip


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def figure(html: str, place: str) -> str:
    return re.search(rf'id="left-n{place}"[^>]*>([^<]*)<', html)[1]


@pytest.mark.parametrize(
    ("role", "opened", "made", "asked"),
    [("marketing", 200, 200, 200), ("approver", 200, 403, 200), ("it", 403, 403, 403), ("clerk", 403, 403, 403)],
)
def test_each_role_may_look_build_or_ask(role, opened, made, asked):
    row, client = make_segment(), client_of(role)
    path = f"/console/segments/{row.pk}/"

    assert client.get("/console/segments/").status_code == client.get(path).status_code == opened
    assert client.get(NEW).status_code == client.post(NEW, tree()).status_code == made
    assert client.post(path, tree(save="", name="x")).status_code in ({302} if made == 200 else {403})
    assert client.post(path, {"person": "M1", "why": ""}).status_code == asked


def test_who_may_only_look_gets_no_buttons_and_asks_about_the_saved_rules():
    row = make_segment({"op": "all", "rules": [{"field": "city", "op": "in", "value": ["上海"]}]})
    client = client_of("approver")

    shown = text_of(client.get(f"/console/segments/{row.pk}/"))
    answer = text_of(client.post(f"/console/segments/{row.pk}/", tree(person="M1", why="")))

    assert 'name="do"' not in shown and 'name="save"' not in shown and "<fieldset" in shown and " disabled" in shown
    assert "城市：杭州" in answer and "城市是上海" in answer


def test_the_page_counts_and_says_what_each_rule_leaves_without_a_script():
    shown = text_of(client_of("marketing").post(NEW, tree(count="")))

    assert [figure(shown, place) for place in ("-0", "-1", "-2")] == ["3 人", "剩 2 人", "剩 1 人"]
    assert '<b class="k-big">1<small>' in shown and "占 4 位会员的 25.00%" in shown
    assert "最近一次购买超过 30 天，且城市是杭州，且买过 果蔬" in shown
    assert "张**" in shown and "张三丰" not in shown and mobile(1) not in shown and "****0001" in shown
    assert "按城市" in shown and "按生命周期" in shown and "西湖店" in shown


def test_groups_of_any_and_none_say_what_they_leave():
    form = tree() | {
        "n.2.is": "none", "n.2.0.field": "category", "n.2.0.was": "category", "n.2.0.op": "bought",
        "n.2.0.value": "果蔬",
    }  # fmt: skip
    for name in ("field", "was", "op", "value"):
        del form[f"n.2.{name}"]

    shown = text_of(client_of("marketing").post(NEW, form))

    assert figure(shown, "-2") == "去掉 1 人，剩 1 人"


@pytest.mark.parametrize("button", ["add", "group", "drop.1", "up.1", "down.0", "shape", "find", "take.1", "nonsense"])
def test_every_button_brings_the_whole_tree_back_with_and_without_a_script(button):
    client = client_of("marketing")

    whole = text_of(client.post(NEW, tree(do=button)))
    part = client.post(NEW, tree(do=button), headers=HTMX)

    for shown in (whole, text_of(part)):
        assert 'value="30"' in shown and ("n.2.field" in shown) == (button != "drop.1")
    assert "<html" in whole and "<html" not in text_of(part)
    assert part.headers.get("HX-Trigger-After-Settle") == (None if button == "find" else "recount")
    assert not Segment.objects.exists()


def test_a_rule_that_is_not_filled_in_says_so_where_it_stands_and_nothing_is_counted_or_saved():
    client = client_of("marketing")
    form = tree(name="x") | {"n.0.value": ""}

    shown = text_of(client.post(NEW, form | {"save": ""}))
    part = client.post(NEW, form, headers=HTMX)

    assert '<p class="k-fault" id="fault-n-0">这条还没填完</p>' in shown
    assert '<p class="k-fault" id="fault-n-1"></p>' in shown
    assert "每条都填完才能算人数" in shown
    assert part.headers["HX-Reswap"] == "none" and "k-big" not in text_of(part)
    assert 'id="fault-n-0" hx-swap-oob="true">这条还没填完' in text_of(part)
    assert not Segment.objects.exists()


def test_the_live_count_sends_figures_and_no_controls():
    answer = client_of("marketing").post(NEW, tree(), headers=HTMX)

    shown = text_of(answer)
    assert "HX-Reswap" not in answer.headers
    assert '<b class="k-big">1<small>' in shown and "n.0.value" not in shown and "<html" not in shown
    assert 'id="left-n-2" hx-swap-oob="true">剩 1 人' in shown


def test_an_estimate_says_so_and_gives_no_more_digits_than_it_is_worth():
    picture = Picture(186_240, 1_200_000, {}, {}, is_estimate=True)

    said = render_to_string("console/_segment_said.html", {"look": Look(NOON, picture)})
    given_up = render_to_string("console/_segment_said.html", {"look": Look(NOON, is_too_slow=True)})

    assert "正在估算，大约" in said and "186,000" in said and "186,240" not in said
    assert "算得太久" in given_up


def test_why_somebody_is_not_in_it_by_phone_and_by_card():
    client = client_of("marketing")

    by_phone = text_of(client.post(NEW, tree(person=mobile(4), why=""), headers=HTMX))
    by_card = text_of(client.post(NEW, tree(person="M1", why=""), headers=HTMX))
    nobody = text_of(client.post(NEW, tree(person="13800138000", why=""), headers=HTMX))

    assert "不在里面" in by_phone and "城市：上海" in by_phone and "要：城市是杭州" in by_phone
    assert by_phone.count("✓") == 1 and by_phone.count("✗") == 2
    assert mobile(4) not in by_phone and "张三丰" not in by_phone
    assert "在里面</span>" in by_card and "不在里面" not in by_card
    assert "没有这个手机号或卡号的会员" in nobody


def test_each_question_leaves_an_audit_entry_without_the_number():
    client = client_of("marketing")

    client.post(NEW, tree(person=mobile(4), why=""), headers=HTMX)
    client.post(NEW, tree(person=mobile(4)), headers=HTMX)  # a recount asks nothing

    entry = AuditEntry.objects.get(action="segment.person_asked")
    assert entry.actor.username == "marketing" and len(entry.detail["member_ids"]) == 1
    assert mobile(4) not in str(entry.detail) + entry.subject


def test_no_number_stands_in_an_address():
    answer = client_of("marketing").post(NEW, tree(person=mobile(4), why=""))
    links = re.findall(r'(?:href|action|hx-post|hx-get)="([^"]*)"', answer.content.decode())

    assert answer.status_code == 200 and links and not any(mobile(4) in link for link in links)


@pytest.mark.parametrize("person", ["\x00", "' OR 1=1; --", "卡" * 60, "138001380"])
def test_whatever_is_asked_for_has_an_answer(person):
    answer = client_of("marketing").post(NEW, tree(person=person, why=""), headers=HTMX)

    assert answer.status_code == 200


def test_a_segment_is_saved_changed_and_saved_as_another():
    client = client_of("marketing")

    path = client.post(NEW, tree(save="", name="回店")).url
    client.post(path, tree(save="", name="回店") | {"n.0.value": "45"})
    other = client.post(path, tree(save_as="", name="回店二")).url

    first, second = Segment.objects.order_by("id")
    assert (first.rule["rules"][0]["value"], first.member_count) == (45, 0)
    assert (second.rule["rules"][0]["value"], second.member_count) == (30, 1)
    assert other == f"/console/segments/{second.pk}/" and first.created_by.username == "marketing"


@pytest.mark.parametrize(("name", "words"), [("", "起个名字"), ("回店", "已经有"), ("x" * 81, "80"), ("a\x00", "")])
def test_a_name_that_cannot_be_says_why(name, words):
    client = client_of("marketing")
    client.post(NEW, tree(save="", name="回店"))

    answer = client.post(NEW, tree(save="", name=name))

    assert answer.status_code == 200 and words in text_of(answer) and "name-fault" in text_of(answer)
    assert Segment.objects.count() == 1


def test_a_segment_in_use_says_what_a_change_means():
    row = make_segment()
    make_channel()
    make_campaign(segment=row)
    make_campaign(segment=row, is_approved=False)
    client = client_of("marketing")

    shown = text_of(client.get(f"/console/segments/{row.pk}/"))
    listed = text_of(client.get("/console/segments/"))

    assert "2 个活动在用这个人群" in shown and "要重新批准" in shown
    assert "2 个在用" in listed
    assert f"/console/campaigns/new/?segment={row.pk}" in shown


def test_a_new_campaign_begins_with_the_segment_it_was_planned_from():
    row = make_segment()

    shown = text_of(client_of("marketing").get(f"/console/campaigns/new/?segment={row.pk}"))

    assert f'value="{row.pk}" selected' in shown


def test_without_segments_the_list_offers_ready_ones_and_each_opens():
    client = client_of("marketing")

    shown = text_of(client.get("/console/segments/"))
    starts = re.findall(r"\?start=(\w+)", shown)

    assert len(starts) == 6
    for start in starts:
        opened = text_of(client.get(f"{NEW}?start={start}"))
        assert "这条还没填完" not in opened and "现在有" in opened


def test_stores_are_searched_and_taken_all_at_once():
    for number in range(40):
        make_store(f"N{number:02}", name=f"宁波{number}店", city="宁波")
    form = {"n.is": "all", "n.0.field": "home_store", "n.0.was": "home_store", "n.0.op": "in", "n.0.find": "宁波"}
    client = client_of("marketing")

    found = text_of(client.post(NEW, form | {"do": "find"}, headers=HTMX))
    taken = text_of(client.post(NEW, form | {"do": "take.0"}, headers=HTMX))

    assert found.count('type="checkbox"') == 20 and "还有 20 个没显示" in found and "全选这 40 个" in found
    assert "已选 40 个" in taken and "N00 N01" in taken


def test_the_page_asks_the_same_number_of_questions_however_many_rows_there_are():
    client = client_of("marketing")

    def asked(method, *args, **more) -> int:
        with CaptureQueriesContext(connection) as queries:
            getattr(client, method)(*args, **more)
        return len(queries)

    small = (asked("post", NEW, tree()), asked("post", NEW, tree(), headers=HTMX))
    for number in range(10, 40):
        make_member(
            number, city="杭州", home_store=make_store(f"Z{number}"), last_purchase_at=NOON - timedelta(days=40)
        )
        make_segment()
    assert (asked("post", NEW, tree()), asked("post", NEW, tree(), headers=HTMX)) == small
    assert asked("get", "/console/segments/") <= 12
