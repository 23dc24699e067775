"""A key for some stores: it reads and writes the rows of these, and nothing tells it of the others."""

import pytest

from foundation.models import AuditEntry
from members.models import Member, Order
from tests.api.signed import make_caller
from tests.factories import make_member, make_store

pytestmark = pytest.mark.django_db
CLOSED = (
    ("GET", "segments"), ("GET", "suppressions"), ("GET", "campaigns"), ("POST", "messages"),
    ("POST", "suppressions"),
)  # fmt: skip


@pytest.fixture
def stores():
    return make_store("OWN"), make_store("FOREIGN")


@pytest.fixture
def caller(stores):
    return make_caller(stores=(stores[0],))


def row(number: int, **facts) -> dict:
    return {"card_no": f"M{number}", "phone": f"1390000000{number}", "name": f"会员{number}"} | facts


def codes(answer) -> dict[int, str]:
    return {one["row"]: one["code"] for one in answer.json()["refused"]}


def test_members_of_other_stores_are_not_there(caller, stores):
    make_member(1, home_store=stores[0])
    make_member(2, home_store=stores[1])
    make_member(3)

    assert caller.get("members/M1").json()["home_store"] == "OWN"
    for card in ("M2", "M3", "M9"):
        answer = caller.get(f"members/{card}")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
        assert caller.call("PATCH", f"members/{card}", {"name": "改"}).status_code == 404


def test_nobody_is_erased_by_a_key_for_some_stores(caller, stores):
    make_member(1, home_store=stores[0])
    answers = [caller.call("DELETE", f"members/{card}") for card in ("M1", "M9")]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "STORE_SCOPE")] * 2
    assert Member.objects.present().exists()


def test_rows_of_other_stores_are_refused_and_the_rest_is_written(caller, stores):
    make_member(1, home_store=stores[0])
    make_member(2, home_store=stores[1], name="不变")
    make_member(3, name="不变")
    rows = [
        row(1, name="新名"), row(2, name="新名"), row(3, home_store="OWN"), row(4, home_store="OWN"),
        row(5, home_store="FOREIGN"), row(6), row(7, home_store="NOWHERE"),
    ]  # fmt: skip

    answer = caller.post("members", {"rows": rows})

    assert codes(answer) == dict.fromkeys((1, 2, 4, 5, 6), "FOREIGN_STORE")
    assert (answer.json()["new"], answer.json()["changed"]) == (1, 1)
    names = dict(Member.objects.values_list("card_no", "name"))
    assert names == {"M1": "新名", "M2": "不变", "M3": "不变", "M4": "会员4"}
    every = make_caller().post("members", {"rows": rows[:6]})
    assert codes(every) == {} and Member.objects.count() == 6


def test_a_member_is_not_moved_to_another_store(caller, stores):
    make_member(1, home_store=stores[0])
    answer = caller.call("PATCH", "members/M1", {"home_store": "FOREIGN"})
    assert answer.status_code == 400 and Member.objects.get().home_store == stores[0]


def test_orders_of_other_stores_are_refused(caller, stores):
    member = make_member(1, home_store=stores[1])
    Order.objects.create(order_no="B", member=member, store=stores[1], paid_at="2026-11-01T00:00Z", amount_fen=1)
    order = {"card_no": "M1", "paid_at": "2026-11-02 10:00", "amount": "8.00"}
    rows = [
        {"order_no": "A", "store_code": "OWN", **order}, {"order_no": "B", "store_code": "OWN", **order},
        {"order_no": "C", "store_code": "FOREIGN", **order}, {"order_no": "D", **order},
    ]  # fmt: skip

    answer = caller.post("orders", {"rows": rows})

    assert codes(answer) == dict.fromkeys((1, 2, 3), "FOREIGN_STORE")
    assert set(Order.objects.values_list("order_no", "amount_fen")) == {("A", 800), ("B", 1)}


@pytest.mark.parametrize(("method", "address"), CLOSED)
def test_what_knows_no_store_is_closed_to_it_and_said_so_in_the_audit(caller, method, address):
    answer = caller.call(method, address, None if method == "GET" else {})

    assert (answer.status_code, answer.json()["code"]) == (403, "STORE_SCOPE")
    assert AuditEntry.objects.get(action="api.denied").detail["code"] == "STORE_SCOPE"
