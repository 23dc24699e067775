"""Shifts: beginning, redeeming in one, handing over; pages and services."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from coupons.models import Redemption, RedemptionRequest, Shift
from coupons.queries.shifts import shift_figures
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from coupons.services.shifts import NoShift, ShiftTaken, blocking_shifts, close_shift, open_shift
from foundation import clock
from foundation.errors import NotAllowed
from members.models import Store, StoreScope
from tests.coupons.tills import DEVICE, LONG, ask, begin_shift, make_clerk, make_coupon, make_manager
from tests.factories import NOON, make_store, make_terms

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=6)


@pytest.fixture
def store():
    return make_store("A", name="南京路店")


@pytest.fixture
def clerk(store):
    return make_clerk(store, display_name="王秀兰")


def use(clerk, number, *, now=NOON, **facts):
    coupon = make_coupon(facts.pop("terms", None) or make_terms(), member_id=number)
    return redeem(question=ask(clerk, coupon.code, needs_shift=True, **facts), request_id=uuid4(), now=now)


# Beginning ----------------------------------------------------------------------------------------


def test_shifts_of_a_day_are_counted_by_store(store, clerk):
    first = open_shift(store=store, device_id=DEVICE, by=clerk, now=NOON)
    second = open_shift(store=store, device_id="device-0002", by=make_clerk(store), now=NOON)
    other = make_clerk()
    elsewhere = begin_shift(other, device_id="device-0003", now=NOON)

    assert [str(one) for one in (first, second, elsewhere)] == ["1120-1", "1120-2", "1120-1"]


def test_beginning_twice_is_one_shift(store, clerk):
    first = open_shift(store=store, device_id=DEVICE, by=clerk, now=NOON)
    second = open_shift(store=store, device_id=DEVICE, by=clerk, now=LATER)

    assert (first.pk, Shift.objects.count()) == (second.pk, 1)


def test_a_till_holds_one_open_shift(store, clerk):
    open_shift(store=store, device_id=DEVICE, by=clerk, now=NOON)

    with pytest.raises(ShiftTaken):
        open_shift(store=store, device_id=DEVICE, by=make_clerk(store), now=NOON)

    assert Shift.objects.count() == 1


def test_a_clerk_has_one_open_shift(store, clerk):
    open_shift(store=store, device_id=DEVICE, by=clerk, now=NOON)

    with pytest.raises(ShiftTaken):
        open_shift(store=store, device_id="device-0002", by=clerk, now=NOON)

    assert Shift.objects.count() == 1


@pytest.mark.parametrize("same", ["device_id", "clerk"])
def test_the_database_holds_it_too(store, clerk, same):
    facts = {"store": store, "business_date": NOON.date(), "opened_at": NOON}
    other = {"device_id": DEVICE if same == "device_id" else "device-0002"}
    other["clerk"] = clerk if same == "clerk" else make_clerk(store)
    Shift.objects.create(device_id=DEVICE, clerk=clerk, number=1, **facts)

    with pytest.raises(IntegrityError), transaction.atomic():
        Shift.objects.create(number=2, **other, **facts)


def test_both_obstacles_are_named_each_once(store, clerk):
    mine = open_shift(store=store, device_id="device-0002", by=clerk, now=NOON)
    here = open_shift(store=store, device_id=DEVICE, by=make_clerk(store), now=NOON)

    assert blocking_shifts(store=store, device_id=DEVICE, by=clerk) == [here, mine]
    assert blocking_shifts(store=store, device_id="device-0002", by=clerk) == []


# Redeeming ----------------------------------------------------------------------------------------


def test_a_redemption_belongs_to_the_open_shift(clerk):
    shift = begin_shift(clerk, now=NOON)

    use(clerk, 1)

    assert Redemption.objects.get().shift == shift


@pytest.mark.parametrize("gap", ["never", "closed", "other till"])
def test_without_an_open_shift_here_nothing_is_redeemed(clerk, gap):
    if gap != "never":
        shift = begin_shift(clerk, now=NOON, device_id="device-0002" if gap == "other till" else DEVICE)
    if gap == "closed":
        close_shift(shift_id=shift.pk, device_id=DEVICE, by=clerk, now=NOON)

    with pytest.raises(NoShift):
        use(clerk, 1)

    assert not Redemption.objects.exists() and not RedemptionRequest.objects.exists()


def test_other_systems_redeem_without_a_shift(clerk):
    answer = redeem(question=ask(clerk, make_coupon().code), request_id=uuid4(), now=NOON)

    assert (answer["verdict"], Redemption.objects.get().shift) == ("REDEEMED", None)


# Handing over -------------------------------------------------------------------------------------


def test_totals_by_coupon_and_what_came_to_nothing(clerk):
    shift, terms = begin_shift(clerk, now=NOON), make_terms(title="满50减10", planned_count=9)
    gift = make_terms(title="土鸡蛋", kind="EXCHANGE", face_fen=0, gift_name="1 盒", min_spend_fen=0)
    answers = [use(clerk, number, terms=terms) for number in (1, 2, 3)]
    use(clerk, 4, terms=gift)
    redeem(question=ask(clerk, "7K3M9QX2TD5V", needs_shift=True), request_id=uuid4(), now=NOON)
    reverse(redemption_no=answers[0]["redemption_no"], device_id=DEVICE, reason="MISSCAN", by=clerk, now=NOON)

    found = shift_figures(shift=shift, now=LATER)

    rows = [(row["coupon__terms__title"], row["count"], row["saving_fen"]) for row in found["rows"]]
    assert rows == [("满50减10", 2, 2_000), ("土鸡蛋", 1, 0)]
    assert (found["count"], found["saving_fen"], found["undone_count"], found["undone_fen"]) == (3, 2_000, 1, 1_000)
    assert found["refused_count"] == 1


def test_an_undo_after_the_hand_over_changes_no_slip(store, clerk):
    shift = begin_shift(clerk, now=NOON)
    number = use(clerk, 1)["redemption_no"]
    shift = close_shift(shift_id=shift.pk, device_id=DEVICE, by=clerk, now=NOON + timedelta(hours=1))
    before = shift_figures(shift=shift, now=LATER)

    later = NOON + timedelta(hours=2)
    reverse(redemption_no=number, device_id="device-0009", reason="OTHER", by=make_manager(store), now=later)

    assert shift_figures(shift=shift, now=LATER) == before


@pytest.mark.parametrize("count", [1, 12])
def test_totals_cost_two_queries_however_long_the_shift(clerk, count, django_assert_num_queries):
    shift = begin_shift(clerk, now=NOON)
    for number in range(count):
        use(clerk, number)

    with django_assert_num_queries(2):
        shift_figures(shift=shift, now=LATER)


def test_handing_over_twice_keeps_the_first(store, clerk):
    shift = begin_shift(clerk, now=NOON)

    close_shift(shift_id=shift.pk, device_id=DEVICE, by=clerk, now=LATER)
    close_shift(shift_id=shift.pk, device_id=DEVICE, by=make_manager(store), now=LATER + timedelta(hours=1))

    shift.refresh_from_db()
    assert (shift.closed_at, shift.closed_by) == (LATER, clerk)


@pytest.mark.parametrize(
    ("who", "device_id", "is_allowed"),
    [
        ("clerk", "device-0002", True),
        ("colleague", DEVICE, True),
        ("colleague", "device-0002", False),
        ("manager", "device-0002", True),
        ("stranger", DEVICE, False),
        ("foreign manager", "device-0002", False),
    ],
)
def test_who_may_hand_over(store, clerk, who, device_id, is_allowed):
    people = {
        "clerk": clerk, "colleague": make_clerk(store), "manager": make_manager(store), "stranger": make_clerk(),
        "foreign manager": make_manager(),
    }  # fmt: skip
    shift = begin_shift(clerk, now=NOON)

    try:
        close_shift(shift_id=shift.pk, device_id=device_id, by=people[who], now=LATER)
    except NotAllowed:
        assert not is_allowed

    assert Shift.objects.filter(closed_at__isnull=True).exists() is not is_allowed


# Pages, as plain forms ----------------------------------------------------------------------------


@pytest.fixture
def browser(client, clerk):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.force_login(clerk)
    return client


def test_the_first_page_offers_to_begin_once(browser):
    offered = browser.get("/till/").content.decode()
    begun = browser.post("/till/shift/open", follow=True)

    assert "/till/shift/open" in offered and 'name="text"' not in offered
    assert begun.redirect_chain == [("/till/", 302)]
    assert 'name="text"' in begun.content.decode() and f"· {Shift.objects.get()}" in begun.content.decode()


@pytest.mark.parametrize("path", ["/till/check", "/till/redeem"])
def test_a_form_without_a_shift_is_refused_with_the_next_step(browser, path):
    coupon = make_coupon(make_terms(**LONG))

    response = browser.post(path, {"text": coupon.code, "request_id": str(uuid4()), "ticket": "87.60"})

    page = response.content.decode()
    assert response.status_code == 409
    assert "Start your shift first" in page and "/till/shift/open" in page
    assert not Redemption.objects.exists()


def test_a_till_left_open_by_a_colleague_is_handed_over_on_the_way(browser, store, clerk):
    browser.get("/till/")
    device_id = re.search(r'data-device="(\w+)"', browser.get("/till/").content.decode())[1]
    colleague = make_clerk(store, display_name="周敏")
    left = open_shift(store=store, device_id=device_id, by=colleague, now=clock.now())

    offered = browser.get("/till/").content.decode()
    browser.post("/till/shift/open", {"instead_of": left.pk})

    left.refresh_from_db()
    assert "周敏 has not handed over" in offered
    assert (left.closed_by, Shift.objects.get(closed_at__isnull=True).clerk) == (clerk, clerk)


def test_a_refused_beginning_hands_nothing_over(store, clerk):
    mine = open_shift(store=store, device_id="device-0002", by=clerk, now=NOON)
    here = open_shift(store=store, device_id=DEVICE, by=make_clerk(store), now=NOON)

    with pytest.raises(ShiftTaken):
        open_shift(store=store, device_id=DEVICE, by=clerk, instead_of=[mine.pk], now=LATER)

    assert Shift.objects.filter(closed_at__isnull=True).count() == 2
    assert open_shift(store=store, device_id=DEVICE, by=clerk, instead_of=[here.pk, mine.pk], now=LATER).number == 3


def test_beginning_over_somebody_elses_shift_without_saying_so_is_refused(browser, store):
    device_id = re.search(r'data-device="(\w+)"', browser.get("/till/").content.decode())[1]
    open_shift(store=store, device_id=device_id, by=make_clerk(store), now=clock.now())

    response = browser.post("/till/shift/open")

    assert response.status_code == 409 and "still open on this till" in response.content.decode()
    assert Shift.objects.count() == 1


@pytest.mark.parametrize("number", ["", "abc", "-1", "9" * 40, "999999999999", "²"])
def test_nonsense_as_a_shift_is_not_found(browser, number):
    assert browser.post("/till/shift/open", {"instead_of": number}).status_code == 404
    assert browser.post("/till/shift/close", {"shift": number}).status_code == 404


def test_handing_over_ends_in_a_slip_and_the_next_shift(browser):
    browser.get("/till/")
    browser.post("/till/shift/open")
    coupon = make_coupon(make_terms(title="满50减10", **LONG))
    browser.post("/till/redeem", {"text": coupon.code, "request_id": str(uuid4()), "ticket": "87.60"})

    page = browser.get("/till/shift/").content.decode()
    slip = browser.post("/till/shift/close", {"shift": Shift.objects.get().pk}, follow=True)

    text = slip.content.decode()
    assert "满50减10" in page and "10.00" in page
    assert slip.redirect_chain == [(f"/till/shift/{Shift.objects.get().pk}/slip/", 302)]
    assert "满50减10" in text and "10.00" in text and "王秀兰" in text and "Not handed over" not in text
    assert "/till/shift/open" in browser.get("/till/").content.decode()


@pytest.mark.parametrize(("who", "status"), [("colleague", 404), ("manager", 200), ("foreign manager", 404)])
def test_who_sees_a_slip(client, store, clerk, who, status):
    shift = begin_shift(clerk)
    people = {"colleague": make_clerk(store), "manager": make_manager(store), "foreign manager": make_manager()}
    client.force_login(people[who])

    assert client.get(f"/till/shift/{shift.pk}/slip/").status_code == status


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 40])
def test_a_slip_of_no_shift_is_not_found(browser, number):
    assert browser.get(f"/till/shift/{number}/slip/").status_code == 404


def test_a_shift_in_another_store_leads_back_there(client, store):
    second = make_store("B", name="莘庄店")
    clerk = make_clerk(store, second)
    client.force_login(clerk)
    client.post("/till/store/", {"store": second.pk})
    client.get("/till/")
    client.post("/till/shift/open")
    client.post("/till/store/", {"store": store.pk})

    assert "莘庄店" in client.get("/till/").content.decode()
    assert Shift.objects.get().store == Store.objects.get(code="B")


def test_who_lost_the_store_of_their_shift_can_still_hand_it_over(client, store):
    second = make_store("B", name="莘庄店")
    clerk = make_clerk(store, second)
    client.force_login(clerk)
    client.post("/till/store/", {"store": second.pk})
    client.get("/till/")
    client.post("/till/shift/open")
    StoreScope.objects.filter(operator=clerk, store=second).delete()

    client.post("/till/store/", {"store": store.pk})
    offered = client.get("/till/").content.decode()
    client.post("/till/shift/open", {"instead_of": Shift.objects.get().pk})

    assert "莘庄店" in offered and "instead_of" in offered
    assert Shift.objects.get(closed_at__isnull=True).store == store
