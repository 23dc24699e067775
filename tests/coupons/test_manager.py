"""The store manager's page: own store, today, beside last week; undoing after the clerk's minutes."""

from datetime import date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from coupons.models import Coupon, Redemption, RedemptionAttempt, Reversal
from coupons.queries import store_day
from coupons.serializers import store_day as shown
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from foundation import clock
from members.models import Store
from tests.coupons.tills import LONG, ask, make_clerk, make_coupon, make_manager
from tests.factories import NOON, make_store, make_terms
from tests.ledgers import tamper

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
WEEK = timedelta(days=7)


@pytest.fixture
def store():
    return make_store("M1", name="南京路店")


@pytest.fixture
def clerk(store):
    return make_clerk(store, display_name="王秀兰")


@pytest.fixture
def manager(client, store):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    manager = make_manager(store)
    client.force_login(manager)
    return manager


@pytest.fixture
def terms():
    return make_terms(**LONG, title="周末满50减10", planned_count=500)


def sell(clerk, terms, *, now, number=1, **facts):
    """One redemption; its number."""
    coupon = make_coupon(terms, member_id=number)
    answer = redeem(question=ask(clerk, coupon.code, **facts), request_id=uuid4(), now=now)
    return answer["redemption_no"]


def test_figures_count_what_stands_and_stop_at_the_instant(store, clerk, terms):
    for number, minutes in enumerate((0, 10, 20)):
        sell(clerk, terms, now=NOON + timedelta(minutes=minutes), number=number, ticket_fen=6_000)
    undone = sell(clerk, terms, now=NOON + timedelta(minutes=5), number=9)
    reverse(
        redemption_no=undone, device_id=Redemption.objects.get(redemption_no=undone).device_id, reason="MISSCAN",
        by=clerk, now=NOON + timedelta(minutes=6),
    )  # fmt: skip
    elsewhere = make_clerk(make_store("M2"))
    sell(elsewhere, terms, now=NOON, number=20)

    figures = store_day.day_figures(store_id=store.pk, day=TODAY, until=NOON + timedelta(minutes=10))

    assert figures == store_day.DayFigures(count=2, saving_fen=2_000, paid_fen=10_000, undone_count=1)


def test_a_ticket_without_an_amount_brings_in_nothing_that_we_know_of(store, clerk):
    gift = make_terms(**LONG, kind="EXCHANGE", face_fen=0, min_spend_fen=0, gift_name="蛋", requires_amount=False)
    sell(clerk, gift, now=NOON, ticket_fen=None)

    assert store_day.day_figures(store_id=store.pk, day=TODAY, until=NOON).paid_fen == 0


def test_hours_are_those_of_the_stores_clock(store, clerk, terms):
    sell(clerk, terms, now=NOON, number=1)
    sell(clerk, terms, now=NOON + timedelta(minutes=59), number=2)
    sell(clerk, terms, now=NOON - WEEK + timedelta(hours=1), number=3)

    hours = store_day.hours_of_days(store_id=store.pk, days=[TODAY, TODAY - WEEK], zone=store.zone)

    assert hours == {(TODAY, 12): 2, (TODAY - WEEK, 13): 1}


def test_the_chart_has_a_box_for_every_figure_and_no_figure_for_later():
    hours = {(TODAY, 6): 5, (TODAY, 9): 10, (TODAY - WEEK, 21): 20}
    now = datetime(2026, 11, 20, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))

    chart = shown.chart(hours=hours, day=TODAY, day_before=TODAY - WEEK, now=now)

    columns = {one["hour"]: one for one in chart["columns"]}
    assert list(columns) == list(range(6, 22))
    assert (columns[6]["today"], columns[9]["today"], columns[21]["before"]) == ((75, 21), (54, 42), (12, 84))
    assert [hour for hour, one in columns.items() if one["has_begun"]] == [6, 7, 8, 9]


@pytest.mark.parametrize(("part", "whole", "text"), [(0, 0, "—"), (1, 8, "13%"), (1, 200, "1%"), (3, 3, "100%")])
def test_shares_are_rounded_half_up(part, whole, text):
    assert shown.percent(part, whole) == text


def test_the_board_shows_work_and_oddities_without_ranks(store, clerk, terms):
    second = make_clerk(store, display_name="李建国")
    for number in range(8):
        sell(clerk, terms, now=NOON, number=number, input_channel="TYPED" if number < 2 else "CAMERA")
    sell(second, terms, now=NOON, number=20, input_channel="TYPED")
    redeem(question=ask(second, "0" * 12), request_id=uuid4(), now=NOON)
    refusals = store_day.refusals_between(store_id=store.pk, start=NOON, end=NOON + timedelta(seconds=1))

    board = shown.board(clerks=store_day.clerks_of_day(store_id=store.pk, day=TODAY), refusals=refusals)

    facts = [(one["name"], one["count"], one["typed"], one["refused"], one["types_much"]) for one in board]
    assert facts == [("李建国", 1, "100%", 1, False), ("王秀兰", 8, "25%", 0, True)]


def test_the_page_tells_the_day_beside_last_weeks(client, manager, clerk, terms):
    now = clock.now()
    number = sell(clerk, terms, now=now)
    Coupon.objects.update(valid_from=now - 2 * WEEK)
    for before in (1, 2):
        sell(clerk, terms, now=now - WEEK - timedelta(seconds=before), number=before + 1)

    page = client.get("/till/manager/").content.decode()

    assert "by now: 2" in page or (now - WEEK).astimezone(ZoneInfo("Asia/Shanghai")).hour == 0
    assert "南京路店" in page and "王秀兰" in page and f"/till/manager/undo/{number}/" in page
    assert "¥10.00" in page and "brought in ¥90.00" in page


def test_an_empty_day_says_so(client, manager):
    page = client.get("/till/manager/").content.decode()

    assert "Nothing yet today." in page and "Nobody has redeemed anything yet today." in page


def test_only_managers_see_it_and_only_their_own_store(client, manager, clerk, terms):
    stranger = make_clerk(make_store("M9"), display_name="外人")
    sell(stranger, terms, now=clock.now())

    assert "外人" not in client.get("/till/manager/").content.decode()
    client.force_login(clerk)
    refused = client.get("/till/manager/")
    assert refused.status_code == 403 and "For the store manager" in refused.content.decode()
    client.logout()
    assert client.get("/till/manager/")["Location"].startswith("/till/login/")


@pytest.mark.parametrize("kind", ["number", "tail of the number", "receipt", "phone"])
def test_the_search_finds_by_what_is_on_the_slip(client, manager, clerk, terms, kind):
    wanted = sell(clerk, terms, now=clock.now(), receipt_no="0322-1187")
    Coupon.objects.update(phone_tail="0921")
    other = sell(clerk, terms, now=clock.now(), number=2)
    text = {"number": wanted, "tail of the number": wanted[-8:], "receipt": "0322-1187", "phone": "0921"}[kind]

    page = client.get("/till/manager/", {"q": f" {text} "}).content.decode()

    assert f"undo/{wanted}/" in page and f"undo/{other}/" not in page


@pytest.mark.parametrize("text", ["\x00", "x" * 300, "<script>", "' OR 1=1", "%"])
def test_a_strange_search_finds_nothing_and_is_not_repeated_as_code(client, manager, text):
    response = client.get("/till/manager/", {"q": text})

    assert response.status_code == 200 and "<script>" not in response.content.decode()


@pytest.mark.parametrize("count", [1, 25])
def test_the_page_costs_the_same_however_much_was_sold(
    client, manager, store, clerk, terms, count, django_assert_max_num_queries
):
    now = clock.now()
    for number in range(count):
        sell(clerk, terms, now=now, number=number)
        sell(make_clerk(store), terms, now=now, number=100 + number)
        redeem(question=ask(clerk, "0" * 12), request_id=uuid4(), now=now)
    client.get("/till/manager/")

    with django_assert_max_num_queries(14):
        client.get("/till/manager/?all=1")


# Undoing ------------------------------------------------------------------------------------------


def test_a_manager_undoes_after_the_clerks_minutes(client, manager, clerk, terms):
    number = sell(clerk, terms, now=clock.now(), receipt_no="0322-1187")
    tamper("UPDATE coupons_redemption SET redeemed_at = redeemed_at - interval '11 minutes'")  # the day stays

    asked = client.get(f"/till/manager/undo/{number}/").content.decode()
    without = client.post(f"/till/manager/undo/{number}/", {})
    done = client.post(f"/till/manager/undo/{number}/", {"reason": "CUSTOMER"}, follow=True)

    assert "0322-1187" in asked and "¥100.00" in asked and "make sure that ¥10.00 was paid" in asked
    assert without.status_code == 409
    assert "take ¥10.00 more" in done.content.decode()
    undo = Reversal.objects.get()
    assert (undo.by, undo.reason) == (manager, "CUSTOMER")
    assert Coupon.objects.get().state == "ISSUED"


def test_another_stores_redemption_cannot_be_undone_here(client, manager, terms):
    number = sell(make_clerk(make_store("M9")), terms, now=clock.now())

    for method in (client.get, client.post):
        response = method(f"/till/manager/undo/{number}/", {"reason": "CUSTOMER"})
        assert (response.status_code, response["Location"]) == (302, "/till/manager/")
    assert not Reversal.objects.exists()


def test_yesterdays_redemption_is_refused_with_the_reason(client, manager, clerk, terms):
    number = sell(clerk, terms, now=clock.now() - timedelta(days=1))

    response = client.post(f"/till/manager/undo/{number}/", {"reason": "CUSTOMER"})

    assert response.status_code == 409 and "ask head office" in response.content.decode()
    assert Redemption.objects.get().state == "ACCEPTED"


@pytest.mark.parametrize("number", ["1", "x", "\x00"])
def test_the_page_thanks_for_no_undo_that_never_was(client, manager, clerk, terms, number):
    standing = sell(clerk, terms, now=clock.now())

    for claimed in (number, standing):
        assert 'role="status"' not in client.get("/till/manager/", {"undone": claimed}).content.decode()


def test_undoing_twice_is_one_undo(client, manager, clerk, terms):
    number = sell(clerk, terms, now=clock.now())

    for _ in range(2):
        client.post(f"/till/manager/undo/{number}/", {"reason": "OTHER"})

    assert Reversal.objects.count() == 1


def test_a_clerk_cannot_undo_through_the_managers_page(client, clerk, terms):
    client.force_login(clerk)
    number = sell(clerk, terms, now=clock.now())

    assert client.post(f"/till/manager/undo/{number}/", {"reason": "OTHER"}).status_code == 403
    assert Redemption.objects.get().state == "ACCEPTED"


@pytest.mark.parametrize("number", ["1", "x", "%00", "9" * 40])
def test_an_unknown_number_leads_back(client, manager, number):
    response = client.get(f"/till/manager/undo/{number}/")

    assert (response.status_code, response["Location"]) == (302, "/till/manager/")


def test_the_refusals_of_a_day_are_named_by_their_word(client, manager, store, clerk, terms):
    for _ in range(2):
        redeem(question=ask(clerk, "0" * 12), request_id=uuid4(), now=clock.now())
    redeem(question=ask(clerk, "nonsense"), request_id=uuid4(), now=clock.now())
    assert RedemptionAttempt.objects.count() == 3 and Store.objects.filter(pk=store.pk).exists()

    page = client.get("/till/manager/").content.decode()

    assert "Not found 2 · Mistyped 1" in page
