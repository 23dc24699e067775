"""The page of a coupon batch: it adds up, judges the exposure, names what is odd, and is voided by two people."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.workplaces.drawing import curve_of
from console.workplaces.waiting import waiting_for
from coupons.models import BatchVoid, Coupon, CouponBatch, CouponTerms, Redemption, RedemptionAttempt
from coupons.queries.batch import batch_figures, days_of_batch, stores_of_batch
from coupons.rules.oddity import FEWEST_REFUSALS
from coupons.services import batches
from foundation import clock
from foundation.models import Operator
from foundation.services import jobs
from members.models import Store
from tests.coupons.tills import make_clerk, make_coupon, pause
from tests.factories import NOON, make_operator, make_store, make_terms

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def three_days_later(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON + 3 * DAY)


def client_of(*permissions: str, **facts) -> Client:
    operator = make_operator(is_staff=True, **facts)
    operator.user_permissions.set(Permission.objects.filter(codename__in=["see_every_store", *permissions]))
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(operator)
    return browser


@pytest.fixture
def client() -> Client:
    """Somebody of marketing."""
    return client_of("view_couponbatch", "add_couponbatch")


@pytest.fixture
def boss() -> Client:
    """Somebody who approves."""
    return client_of("view_couponbatch", "approve_couponbatch")


@pytest.fixture
def terms() -> CouponTerms:
    return make_terms(planned_count=1_000)


def use(terms: CouponTerms, number: int, *, store: Store, clerk: Operator, at=NOON, state="ACCEPTED", **facts) -> None:
    """One more coupon of a batch, redeemed for 10 yuan."""
    is_used = state == "ACCEPTED"
    coupon = make_coupon(
        terms, member_id=number, **({"state": "REDEEMED", "uses_count": 1, "use_seq": 1} if is_used else {"use_seq": 1})
    )  # fmt: skip
    chosen = {"input_channel": "TYPED", "ticket_fen": 5_100} | facts
    Redemption.objects.create(
        redemption_no=f"R{coupon.pk}", coupon=coupon, batch=terms.batch, use_seq=1, state=state, device_id="d1",
        request_id=UUID(int=coupon.pk), clerk=clerk, store=store, business_date=(at + 8 * 60 * MINUTE).date(),
        discount_fen=1_000, member_id=number, source="test:1", redeemed_at=at, terms_sha256="", **chosen,
    )  # fmt: skip


def text_of(client: Client, terms: CouponTerms) -> str:
    answer = client.get(f"/console/batches/{terms.batch_id}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_issued_is_redeemed_unused_and_void_and_equals_what_was_reserved(client, terms):
    store = make_store()
    clerk = make_clerk(store)
    for number in range(1, 4):
        use(terms, number, store=store, clerk=clerk, at=NOON + number * MINUTE)
    use(terms, 4, store=store, clerk=clerk, state="REVERSED")
    make_coupon(terms, member_id=5)
    make_coupon(terms, member_id=6, state="VOID", void_reason="BATCH_VOIDED")
    make_coupon(terms, member_id=7, state="VOID", void_reason="NOT_SENT")
    CouponBatch.objects.update(issued_count=6)  # what the release of the last one leaves

    found = batch_figures(batch=terms.batch, terms=terms)

    assert (found.redeemed, found.unused, found.void) == (3, 2, 1)
    assert found.issued == CouponBatch.objects.get().issued_count == Coupon.objects.issued().count()
    assert found.redeemed == Redemption.objects.filter(state="ACCEPTED").count()
    assert (found.saved_fen, found.exposure_fen) == (3_000, 2_000)
    days, stores = days_of_batch(batch_id=terms.batch_id), stores_of_batch(batch_id=terms.batch_id)
    assert [(one.used, one.undone, one.saved_fen) for one in days] == [(3, 1, 3_000)]
    assert [(one.name, one.used, one.undone, one.saved_fen) for one in stores] == [("门店S1", 3, 1, 3_000)]
    assert "Redeemed 3, unused 2, void 1" in text_of(client, terms)


def test_a_batch_that_nobody_got_yet_says_so(client, terms):
    page = text_of(client, terms)

    assert "no budget was set" in page
    assert page.count("Nobody has redeemed yet.") == 3
    assert "Locked since it was submitted." in page


@pytest.mark.parametrize(
    ("budget_fen", "says"),
    [
        (None, "no budget was set"),
        (2_999, "Over the budget by 0.01 yuan"),
        (3_000, "Will go over the budget at this pace; 0.00 yuan are left"),
        (13_000, "Fine: 3 used, 100.00 yuan of the budget are left"),
    ],
)
def test_the_verdict_holds_the_budget_against_what_is_saved_and_expected(client, terms, budget_fen, says):
    store = make_store()
    for number in range(1, 4):
        use(terms, number, store=store, clerk=make_clerk(store), at=NOON + number * DAY - DAY)
    for number in range(4, 14):
        make_coupon(terms, member_id=number)
    CouponBatch.objects.update(budget_fen=budget_fen)

    page = text_of(client, terms)

    assert says in page
    assert "about 13 will be used by 12-20, 130.00 yuan" in page
    assert "members would save 100.00 yuan more" in page
    assert "the first coupon was issued for 2026-11-20 12:00" in page


@pytest.mark.parametrize(("state", "says"), [("PAUSED", "Paused: no till redeems it"), ("VOIDED", "Voided: no coupon")])
def test_a_batch_that_stands_expects_nothing(client, terms, state, says):
    store = make_store()
    use(terms, 1, store=store, clerk=make_clerk(store))
    CouponBatch.objects.update(state=state)

    page = text_of(client, terms)

    assert says in page
    assert "At the pace" not in page and '<polyline class="next"' not in page


def test_what_is_odd_is_named_with_its_counts(client, terms):
    fast, careless, refused = make_store("S1"), make_store("S2"), make_store("S3")
    clerks = [make_clerk(store, display_name=name) for store, name in ((fast, "快"), (careless, "退"), (refused, "拒"))]
    for number in range(14):
        use(terms, 100 + number, store=fast, clerk=clerks[0], at=NOON + DAY + number * MINUTE / 2)
    for number in range(60):
        use(terms, 200 + number, store=fast, clerk=clerks[0], at=NOON + number * 7 * MINUTE)
    for number in range(5):
        at = NOON + number * 60 * MINUTE
        use(terms, 300 + number, store=careless, clerk=clerks[1], state="REVERSED", at=at)
    coupon = Coupon.objects.filter(batch=terms.batch).first()
    for _number in range(FEWEST_REFUSALS):
        RedemptionAttempt.objects.create(
            at=NOON + DAY, clerk=clerks[2], store=refused, device_id="d", input_channel="TYPED",
            input_hash=UUID(int=1), is_well_formed=True, coupon=coupon, reason="ALREADY_REDEEMED",
        )  # fmt: skip

    page = text_of(client, terms)

    assert "门店S1 · 快" in page
    assert "11-21 12:00–12:06: 14 redeemed within 10 minutes, 14 of them typed." in page
    assert "Tickets of 51.00 to 51.00 yuan." in page
    assert "5 of 5 redemptions were undone; in all stores 5 of 79." in page
    assert f"Refused {FEWEST_REFUSALS} times within seven days, most often: Already used." in page
    assert page.count('class="k-check"') == 3


def test_how_much_was_redeemed_does_not_change_the_number_of_queries(client, terms):
    stores = [make_store(f"S{number}") for number in range(8)]
    clerks = [make_clerk(store) for store in stores]
    use(terms, 1, store=stores[0], clerk=clerks[0])
    text_of(client, terms)  # a session's first request writes its last visit
    with CaptureQueriesContext(connection) as few:
        text_of(client, terms)
    for number in range(2, 40):
        use(terms, number, store=stores[number % 8], clerk=clerks[number % 8], at=NOON + number * 60 * MINUTE)

    with CaptureQueriesContext(connection) as many:
        page = text_of(client, terms)

    assert len(many) == len(few)
    assert page.count("****5678") == 10


def test_one_person_pauses_and_lets_it_go_on(client, terms):
    for action, state in (("pause", "PAUSED"), ("resume", "ACTIVE")):
        client.post(f"/console/batches/{terms.batch_id}/{action}/")
        assert CouponBatch.objects.get().state == state


def test_marketing_asks_and_an_approver_makes_the_coupons_void(client, boss, terms):
    coupon = make_coupon(terms)
    address = f"/console/batches/{terms.batch_id}"

    client.post(f"{address}/void/", {"reason": "印错了"})
    asked = text_of(boss, terms)
    refused = client.post(f"{address}/void/confirm/")
    boss.post(f"{address}/void/confirm/")

    assert "印错了" in asked and "Make 1 void" in asked
    assert refused.status_code == 403
    assert "1 coupon is void" in text_of(client, terms)
    jobs.run_due(now=NOON)
    coupon.refresh_from_db()
    assert (coupon.state, BatchVoid.objects.get().coupon_count) == ("VOID", 1)


def test_a_refused_wish_leaves_the_coupons_and_may_be_asked_again(client, boss, terms):
    make_coupon(terms)
    client.post(f"/console/batches/{terms.batch_id}/void/", {"reason": "印错了"})
    boss.post(f"/console/batches/{terms.batch_id}/void/refuse/")

    page = text_of(client, terms)

    assert "has refused to make the coupons void" in page
    assert "Ask a colleague to confirm" in page
    assert Coupon.objects.get().state == "ISSUED"


def test_a_wish_waits_for_everybody_who_may_decide_but_its_author(terms):
    author = make_operator(is_staff=True, is_superuser=True)
    other = make_operator(is_staff=True, is_superuser=True)
    batches.ask_void(batch_id=terms.batch_id, reason="印错了", by=author, now=NOON)

    assert [one.url for one in waiting_for(other)] == [f"/console/batches/{terms.batch_id}/"]
    assert waiting_for(author) == []
    pause(make_coupon(terms), "ENDED")
    assert waiting_for(other) == []


def test_who_may_only_look_gets_no_button(terms):
    page = text_of(client_of("view_couponbatch"), terms)

    assert "Ask a colleague to confirm" not in page
    assert f"/console/batches/{terms.batch_id}/pause/" not in page


def test_a_budget_is_kept_in_fen_and_may_be_left_out(client):
    basics = {
        "name": "B", "title": "满50减10", "kind": "CASH", "face_fen": "10", "planned_count": "5", "valid_days": "9",
        "per_member_limit": "1",
    }  # fmt: skip
    client.post("/console/batches/new/", basics | {"budget_fen": "250,000.00"})
    client.post("/console/batches/new/", basics | {"name": "C", "budget_fen": ""})

    assert [(one.name, one.budget_fen) for one in CouponBatch.objects.order_by("name")] == [
        ("B", 25_000_000), ("C", None),
    ]  # fmt: skip


def test_the_curve_reaches_what_is_expected_and_leaves_out_a_budget_far_above():
    names = [f"11-{day}" for day in range(20, 30)]
    near = curve_of([0, 5, 10], names=names, expected=20, line=20)
    far = curve_of([0, 5, 10], names=names, expected=20, line=61)

    assert (near.top, near.known, near.expected) == (20, "0,1000 111,750 222,500", "222,500 1000,0")
    assert (near.line_y, far.line_y) == (0, None)
    assert near.area == "0,1000 0,1000 111,750 222,500 222,1000"
    assert curve_of([0, 5], names=names[:2], expected=None, line=0).expected == ""
