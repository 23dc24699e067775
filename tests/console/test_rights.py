"""The page of rights for a time, the page of stores, and reports for who works for some stores."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from console import permissions
from foundation import clock
from foundation.models import Operator
from members.models import GrantState, RoleGrant, StoreScope
from members.services import grants
from tests.console.test_watch import client_of
from tests.factories import NOON, make_operator, make_store
from tests.two_stores import make_shops

pytestmark = pytest.mark.django_db
ADDRESS = "/console/rights/"
ASKED = {"role": "approver", "last_day": "2026-11-25", "reason": "周楠休假"}


@pytest.fixture(autouse=True)
def roles(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


@pytest.fixture
def analyst() -> Client:
    return client_of("analyst")


@pytest.fixture
def it() -> Client:
    return client_of("it")


def test_asked_on_one_side_granted_on_the_other_used_and_ended(analyst, it):
    store = make_store("A", name="文一路店")
    page = analyst.post(ADDRESS, ASKED | {"stores": [store.pk]}, follow=True).content.decode()
    grant = RoleGrant.objects.get()
    assert "已提交申请" in page and "等待" in page
    assert grant.until.isoformat() == "2026-11-25T16:00:00+00:00"  # the end of that day in Shanghai
    assert analyst.post(f"{ADDRESS}{grant.pk}/grant/").status_code == 403
    assert analyst.get("/console/waiting/").content.decode().count("限时权限") == 0

    assert "限时权限" in it.get("/console/waiting/").content.decode()
    decided = it.get(ADDRESS).content.decode()
    assert "周楠休假" in decided and "文一路店" in decided and "审批人" in decided
    it.post(f"{ADDRESS}{grant.pk}/grant/")
    grant.refresh_from_db()
    assert (grant.state, grant.decided_by.username) == (GrantState.GRANTED, "it")
    assert analyst.get("/console/unsure/").status_code == 200

    it.post(f"{ADDRESS}{grant.pk}/end/")
    assert analyst.get("/console/unsure/").status_code in (302, 403)


def test_a_refusal_is_read_by_who_asked(analyst, it):
    analyst.post(ADDRESS, ASKED)
    grant = RoleGrant.objects.get()
    assert "请写明拒绝的原因" in it.post(f"{ADDRESS}{grant.pk}/refuse/", {"note": ""}, follow=True).content.decode()
    it.post(f"{ADDRESS}{grant.pk}/refuse/", {"note": "由李雯代班"})
    assert "由李雯代班" in analyst.get(ADDRESS).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"role": "root"}, {"last_day": "2026-11-19"}, {"last_day": "2027-11-19"}, {"reason": ""}, {"stores": ["9"]}],
)
def test_a_wrong_form_asks_for_nothing(analyst, wrong):
    page = analyst.post(ADDRESS, ASKED | wrong).content.decode()
    assert not RoleGrant.objects.exists() and ("errorlist" in page or 'role="alert"' in page)


def test_nobody_gives_rights_to_themselves_in_the_list_of_operators(it):
    own, boss = Operator.objects.get(username="it"), make_operator("boss", is_staff=True, is_superuser=True)
    colleague = make_operator("colleague")
    facts = {"username": "it", "is_active": "on", "is_staff": "on", "groups": [Group.objects.get(name="approver").pk]}

    it.post(f"/console/foundation/operator/{own.pk}/change/", facts)
    assert [one.name for one in own.groups.all()] == ["it"]
    it.post(f"/console/foundation/operator/{colleague.pk}/change/", facts | {"username": "colleague"})
    assert [one.name for one in colleague.groups.all()] == ["approver"]
    assert it.post(f"/console/foundation/operator/{boss.pk}/change/", {"username": "x"}).status_code == 403
    assert "审批人" in it.get(f"/console/foundation/operator/{colleague.pk}/change/").content.decode()


def test_a_new_colleague_without_a_role_lands_where_rights_are_asked_for():
    client = Client()
    client.force_login(make_operator(is_staff=True))
    assert client.get("/console/")["Location"] == ADDRESS
    assert client.get(ADDRESS).status_code == 200


@pytest.fixture
def shops(committed: None, monkeypatch: pytest.MonkeyPatch):
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(minutes=5))
    return make_shops()


def area_manager(shop) -> Client:
    client = client_of("area_manager")
    StoreScope.objects.create(operator=Operator.objects.get(username="area_manager"), store=shop.store)
    return client


def test_an_area_manager_sees_the_figures_of_their_stores(shops):
    own, _foreign, _run = shops
    client = area_manager(own)

    answer = client.get("/console/", follow=True)

    (row,) = answer.context["rows"]
    assert (row.code, row.redeemed, row.undone, row.refused, row.week_redeemed) == ("OWN-1", 1, 1, 1, 1)
    assert row.saving_fen == row.week_saving_fen > 0
    assert "OWN店" in (page := answer.content.decode()) and "FOREIGN" not in page
    everyone = client_of("finance").get("/console/stores/").context
    assert [one.code for one in everyone["rows"]] == ["FOREIGN-1", "OWN-1"]
    assert everyone["total"]["redeemed"] == 2


def test_an_area_managers_report_and_its_file_hold_their_stores_alone(shops):
    own, _foreign, run = shops
    client = area_manager(own)

    page = client.get(f"/console/runs/{run.pk}/report/").content.decode()
    file = b"".join(client.get(f"/console/runs/{run.pk}/report.csv").streaming_content).decode()

    for told in (page, file):
        assert "OWN店" in told and "FOREIGN" not in told and "200" in told
    whole = b"".join(client_of("analyst").get(f"/console/runs/{run.pk}/report.csv").streaming_content).decode()
    assert "OWN店" in whole and "FOREIGN店" in whole


def test_who_asks_for_another_store_reads_which(shops):
    own, foreign, _run = shops
    client = area_manager(own)

    client.post(ADDRESS, ASKED | {"role": "store_manager", "stores": [foreign.store.pk]})
    page = client.get(ADDRESS).content.decode()

    assert page.count("FOREIGN店 (FOREIGN-1)") == 2  # among those to ask for, and in what was asked for
    assert list(RoleGrant.objects.get().stores.all()) == [foreign.store]


def test_a_right_that_ran_out_leaves_no_stores(shops, monkeypatch):
    own, _foreign, _run = shops
    person = make_operator("guest", is_staff=True)
    grant = grants.ask(
        role="area_manager", store_ids=[own.store.pk], until=NOON + timedelta(days=1), reason="x", by=person, now=NOON
    )
    it = Operator.objects.get(username="it") if Operator.objects.filter(username="it").exists() else make_operator("it")
    it.groups.add(Group.objects.get(name="it"))
    grants.decide(grant_id=grant.pk, is_granted=True, note="", by=Operator.objects.get(pk=it.pk), now=NOON)
    client = Client()
    client.force_login(person)
    assert "OWN店" in client.get("/console/coupons/redemption/").content.decode()

    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=1))
    assert client.get("/console/coupons/redemption/").status_code == 403
