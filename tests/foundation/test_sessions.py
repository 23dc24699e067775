"""How long logins last, how many there may be, and what ends them: with real requests."""

import time

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from console import permissions
from coupons.models import Redemption, Shift
from foundation import clock
from foundation.models import AuditEntry, Operator, Session
from foundation.services import sessions
from foundation.services.leaving import stop_work
from foundation.tasks import clear_sessions
from members.models import Store, StoreScope
from tests.coupons.tills import LONG, begin_shift, make_clerk, make_coupon
from tests.factories import NOON, make_operator, make_store, make_terms

pytestmark = pytest.mark.django_db

PASSWORD = "fresh-greens-88"
LOGIN = {"office": "/console/login/", "till": "/till/login/"}


def with_password(operator: Operator) -> Operator:
    operator.set_password(PASSWORD)
    operator.save()
    return operator


def enter(operator: Operator, door: str) -> Client:
    client = Client()
    answer = client.post(LOGIN[door], {"username": operator.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()[:400]
    return client


@pytest.fixture
def officer() -> Operator:
    return with_password(make_operator("lina", is_staff=True))


@pytest.fixture
def it() -> Client:
    permissions.sync()
    operator = make_operator("zhao", is_staff=True)
    operator.groups.add(Group.objects.get(name="it"))
    client = Client()
    client.force_login(operator)
    return client


def is_inside(client: Client) -> bool:
    return client.get("/console/rights/").status_code == 200


def shift(client: Client, **moved: float) -> None:
    session = client.session
    for key, seconds in moved.items():
        session[key] = time.time() - seconds
    session.save()


# How many -----------------------------------------------------------------------------------------


def test_the_oldest_login_above_the_limit_ends(officer, settings):
    settings.OFFICE_SESSIONS = 2
    first, second, third = (enter(officer, "office") for _time in range(3))

    assert [is_inside(one) for one in (first, second, third)] == [False, True, True]
    assert Session.objects.filter(operator=officer).count() == 2


def test_another_operators_logins_stay(officer, settings):
    settings.OFFICE_SESSIONS = 1
    other = enter(with_password(make_operator("other", is_staff=True)), "office")

    enter(officer, "office")

    assert is_inside(other)


def test_a_clerk_may_stand_at_several_tills(settings):
    settings.OFFICE_SESSIONS = 1
    clerk = with_password(make_clerk(username="wang"))

    tills = [enter(clerk, "till") for _time in range(3)]

    assert [till.get("/till/").status_code for till in tills] == [200, 200, 200]


def test_whoever_lost_their_login_is_told_at_the_door(officer, settings):
    settings.OFFICE_SESSIONS = 1
    first = enter(officer, "office")
    enter(officer, "office")

    page = first.get("/console/", follow=True)

    assert "登录已结束" in page.content.decode()
    assert "登录已结束" not in Client().get("/console/", follow=True).content.decode()


# How long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "inside"), [(119 * 60, True), (121 * 60, False)])
def test_a_login_at_the_office_ends_after_two_hours_without_work(officer, seconds, inside):
    client = enter(officer, "office")
    shift(client, seen_at=seconds)

    assert is_inside(client) is inside


@pytest.mark.parametrize("door", LOGIN)
@pytest.mark.parametrize(("hours", "inside"), [(11.9, True), (12.1, False)])
def test_every_login_ends_after_twelve_hours_however_busy(door, hours, inside):
    operator = with_password(make_clerk(is_staff=door == "office"))
    client = enter(operator, door)
    shift(client, begun_at=hours * 3600)

    page = client.get("/console/rights/" if door == "office" else "/till/")

    assert (page.status_code == 200) is inside
    if not inside:
        assert "登录已到期" in client.get(page["Location"]).content.decode()


def test_a_till_does_not_end_for_want_of_work():
    client = enter(with_password(make_clerk()), "till")
    shift(client, seen_at=6 * 3600)

    assert client.get("/till/").status_code == 200


def test_a_page_that_looks_for_news_is_no_work(officer):
    client = enter(officer, "office")
    shift(client, seen_at=3_600)
    before = client.session["seen_at"]

    client.get("/console/home/live/", headers={"HX-Request": "true"})
    assert client.session["seen_at"] == before

    client.get("/console/")
    assert client.session["seen_at"] > before


def test_work_is_written_down_once_a_minute(officer):
    client = enter(officer, "office")
    seen = client.session["seen_at"]

    client.get("/console/")

    assert client.session["seen_at"] == seen


def test_logins_that_have_run_out_are_forgotten(officer):
    enter(officer, "office")
    kept = enter(officer, "office")
    Session.objects.exclude(session_key=kept.session.session_key).update(expire_date=NOON.replace(year=2020))

    clear_sessions()

    assert Session.objects.count() == 1 and is_inside(kept)


# Leaving ------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> Store:
    return make_store("A")


@pytest.fixture
def clerk(store: Store) -> Operator:
    return with_password(make_clerk(store, username="wang"))


def at_work(clerk: Operator) -> Client:
    """A till with an open shift."""
    till = enter(clerk, "till")
    till.get("/till/")
    assert till.post("/till/shift/open").status_code == 302
    return till


def redeem(till: Client, number: int):
    coupon = make_coupon(make_terms(**LONG), member_id=number)
    facts = {"text": coupon.code, "request_id": f"00000000-0000-0000-0000-{number:012d}", "ticket": "100"}
    facts |= {"input_channel": "TYPED", "device_id": Shift.objects.get().device_id}
    return till.post("/till/api/redeem", facts, content_type="application/json")


def deactivate(it: Client, clerk: Operator) -> None:
    facts = {"username": clerk.username, "display_name": "", "email": "", "phone": ""}
    assert it.post(f"/console/foundation/operator/{clerk.pk}/change/", facts).status_code == 302


def take_store(it: Client, scope: StoreScope) -> None:
    facts = {"code": "A", "name": "门店A", "city": "", "zone": "Asia/Shanghai", "is_active": "on"}
    rows = {"scopes-TOTAL_FORMS": 1, "scopes-INITIAL_FORMS": 1, "scopes-0-id": scope.pk, "scopes-0-DELETE": "on"}
    rows |= {"scopes-0-store": scope.store_id, "scopes-0-operator": scope.operator_id}
    assert it.post(f"/console/members/store/{scope.store_id}/change/", facts | rows).status_code == 302


@pytest.mark.parametrize("way", ["deactivated", "store"])
def test_a_clerk_who_leaves_redeems_nothing_more(it, clerk, way):
    till = at_work(clerk)
    assert redeem(till, 1).json()["answer"]["verdict"] == "REDEEMED"

    deactivate(it, clerk) if way == "deactivated" else take_store(it, StoreScope.objects.get(operator=clerk))

    refused = redeem(till, 2)
    assert (refused.status_code, refused.json()["code"]) == (401, "NOT_AUTHENTICATED")
    assert Redemption.objects.count() == 1
    closed = Shift.objects.get()
    assert closed.closed_at is not None and closed.closed_by.username == "zhao"
    entry = AuditEntry.objects.get(action="operator.stopped")
    assert (entry.detail["why"], entry.detail["sessions"]) == (way, 1)
    assert "登录已结束" in till.get("/till/", follow=True).content.decode()


def test_after_losing_a_store_a_clerk_works_on_in_another(it, clerk):
    other = make_store("B")
    StoreScope.objects.create(operator=clerk, store=other)
    shift_elsewhere = Shift.objects.create(
        store=other, clerk=clerk, device_id="elsewhere", business_date=NOON.date(), number=1, opened_at=clock.now()
    )

    take_store(it, StoreScope.objects.get(operator=clerk, store__code="A"))

    shift_elsewhere.refresh_from_db()
    assert shift_elsewhere.closed_at is None
    assert enter(clerk, "till").get("/till/", follow=True).status_code == 200


def test_a_store_that_closes_stops_its_clerks(it, clerk, store):
    at_work(clerk)
    facts = {"code": "A", "name": "门店A", "city": "", "zone": "Asia/Shanghai"}
    rows = {"scopes-TOTAL_FORMS": 0, "scopes-INITIAL_FORMS": 0}

    assert it.post(f"/console/members/store/{store.pk}/change/", facts | rows).status_code == 302

    assert Shift.objects.get().closed_at is not None


def test_a_change_that_takes_nothing_away_stops_nobody(it, clerk):
    till = at_work(clerk)
    facts = {"username": clerk.username, "display_name": "王", "email": "", "phone": "", "is_active": "on"}

    it.post(f"/console/foundation/operator/{clerk.pk}/change/", facts)

    assert redeem(till, 1).status_code == 200
    assert not AuditEntry.objects.filter(action="operator.stopped").exists()


def test_stopping_twice_closes_once(clerk):
    shift = begin_shift(clerk, now=NOON)
    by = make_operator()

    for _time in range(2):
        stop_work(operator_id=clerk.pk, store_id=None, why="deactivated", by=by, now=NOON.replace(hour=3))

    shift.refresh_from_db()
    assert (shift.closed_at, shift.closed_by) == (NOON, by)  # never before it began


def test_a_login_that_no_page_began_gets_its_time(officer):
    client = Client()
    client.force_login(officer)

    assert is_inside(client)
    assert abs(client.session[sessions.BEGUN] - time.time()) < 60
