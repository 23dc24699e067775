"""The till's API: who may ask, what may come in, what comes out."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from coupons.models import Redemption, RedemptionAttempt, RedemptionRequest, Shift
from coupons.services.shifts import close_shift
from foundation import clock
from members.models import StoreScope
from tests.coupons.tills import DEVICE, LONG, begin_shift, make_clerk, make_coupon, make_manager, pause
from tests.factories import make_operator, make_store, make_terms

pytestmark = pytest.mark.django_db

REQUEST = "0b8f5a52-6a5e-4f0e-9a8e-1f2d3c4b5a69"


@pytest.fixture
def clerk():
    return make_clerk()


@pytest.fixture
def till(client, clerk):
    begin_shift(clerk)
    client.force_login(clerk)
    return client


@pytest.fixture
def coupon():
    return make_coupon(make_terms(**LONG))


def body_for(coupon, **changes):
    return {"text": coupon.code, "device_id": DEVICE, "ticket": "87.60", "request_id": REQUEST} | changes


def post(client, path, body):
    return client.post(f"/till/api/{path}", body, content_type="application/json")


def test_redeem_answers_with_the_figures_and_the_words(till, coupon):
    response = post(till, "redeem", body_for(coupon, receipt_no="0322-1187"))

    answer, page = response.json()["answer"], response.json()["page"]
    redemption = Redemption.objects.get()
    assert (response.status_code, answer["verdict"], answer["saving_fen"]) == (200, "REDEEMED", 1_000)
    assert (page["tone"], page["save"], page["redemption_no"]) == ("ok", "10.00", answer["redemption_no"])
    assert (redemption.ticket_fen, redemption.receipt_no) == (8_760, "0322-1187")


def test_a_refused_coupon_is_an_answer(till, coupon):
    pause(coupon)

    response = post(till, "redeem", body_for(coupon))

    assert (response.status_code, response.json()["answer"]["reason"]) == (200, "BATCH_PAUSED")
    assert response.json()["page"]["tone"] == "bad"


def test_preview_changes_nothing(till, coupon):
    response = post(till, "preview", {"text": coupon.code, "device_id": DEVICE})

    assert response.json()["answer"]["verdict"] == "OPEN"
    assert response.json()["page"]["needs_look"] is True
    assert not Redemption.objects.exists() and not RedemptionRequest.objects.exists()


def test_without_a_shift_nothing_is_redeemed_and_the_page_is_told(client, clerk, coupon):
    client.force_login(clerk)

    response = post(client, "redeem", body_for(coupon))

    assert (response.status_code, response.json()["code"]) == (409, "NO_SHIFT")
    assert not Redemption.objects.exists() and not RedemptionRequest.objects.exists()


def test_a_lost_answer_is_found_again_after_the_shift_ended(till, clerk, coupon):
    told = post(till, "redeem", body_for(coupon)).json()["answer"]
    close_shift(shift_id=Shift.objects.get().pk, device_id=DEVICE, by=clerk, now=clock.now())

    again = post(till, "redeem", body_for(coupon))

    assert (again.status_code, again.json()["answer"]) == (200, told)


def test_result_gives_the_stored_answer(till, coupon):
    told = post(till, "redeem", body_for(coupon)).json()["answer"]

    response = till.get(f"/till/api/result/{REQUEST}?device_id={DEVICE}")

    assert response.json()["answer"] == told


def test_result_of_a_request_that_never_arrived(till):
    response = till.get(f"/till/api/result/{REQUEST}?device_id={DEVICE}")

    assert (response.status_code, response.json()["code"]) == (404, "UNKNOWN_REQUEST")


def test_another_question_under_the_same_request_is_409(till, coupon):
    post(till, "redeem", body_for(coupon))

    response = post(till, "redeem", body_for(coupon, ticket="99"))

    assert (response.status_code, response.json()["code"]) == (409, "REQUEST_REUSED")
    assert Redemption.objects.count() == 1


def test_undo_and_history(till, coupon):
    number = post(till, "redeem", body_for(coupon)).json()["answer"]["redemption_no"]

    response = post(till, "undo", {"device_id": DEVICE, "redemption_no": number, "reason": "MISSCAN"})

    shown = till.get(f"/till/api/history?device_id={DEVICE}").json()
    assert (response.status_code, response.json()["redemption_no"]) == (200, number)
    assert (shown["count"], shown["undone_count"], shown["rows"][0]["undo"]) == (0, 1, "NO")


def test_undo_on_another_device_is_409(till, coupon):
    number = post(till, "redeem", body_for(coupon)).json()["answer"]["redemption_no"]

    response = post(till, "undo", {"device_id": "device-0002", "redemption_no": number, "reason": "MISSCAN"})

    assert (response.status_code, response.json()["code"]) == (409, "NOT_ALLOWED")
    assert Redemption.objects.get().state == "ACCEPTED"


def test_undo_of_an_unknown_redemption_is_404(till):
    response = post(till, "undo", {"device_id": DEVICE, "redemption_no": "26112000000001", "reason": "MISSCAN"})

    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


def test_history_shows_a_clerk_their_own_and_a_manager_the_store(client, coupon):
    store = make_store("H1")
    clerk, colleague, manager = make_clerk(store), make_clerk(store), make_manager(store)
    begin_shift(clerk)
    client.force_login(clerk)
    post(client, "redeem", body_for(coupon))

    seen = {}
    for who in (clerk, colleague, manager):
        client.force_login(who)
        seen[who] = [row["undo"] for row in client.get(f"/till/api/history?device_id={DEVICE}").json()["rows"]]

    assert seen == {clerk: ["MINE"], colleague: [], manager: ["ANY"]}


SURROGATE = '{"text": "\\ud800AAAAAAAA", "device_id": "device-0001", "request_id": "' + REQUEST + '"}'
BAD_BODIES = [
    {"text": ""},
    {"text": "   "},
    {"text": None},
    {"text": "A" * 257},
    {"text": "7K3M\x009QX2TD5V"},
    {"text": ["7K3M9QX2TD5V"]},
    {"text": {"a": 1}},
    {"text": 123456789012},
    {"text": True},
    {"device_id": ""},
    {"device_id": "short"},
    {"device_id": "d" * 65},
    {"device_id": "device 0001"},
    {"device_id": "device-0001\n"},
    {"device_id": ["device-0001"]},
    {"device_id": None},
    {"request_id": ""},
    {"request_id": "not-a-uuid"},
    {"request_id": []},
    {"request_id": 10**60},
    {"request_id": -1},
    {"ticket": "abc"},
    {"ticket": "-1"},
    {"ticket": "1.234"},
    {"ticket": "9" * 30},
    {"ticket": "1000000.01"},
    {"ticket": "1" * 33},
    {"ticket": 8760},
    {"ticket": 87.6},
    {"ticket": [1]},
    {"ticket": "1\x00"},
    {"receipt_no": "r" * 41},
    {"receipt_no": {"no": 1}},
    {"receipt_no": "\x00"},
    {"input_channel": "MIND"},
    {"input_channel": "API"},
    {"input_channel": ["TYPED"]},
]


@pytest.mark.parametrize("changes", BAD_BODIES, ids=lambda changes: json.dumps(changes)[:40])
def test_bad_input_is_refused_and_nothing_changes(till, coupon, changes):
    response = post(till, "redeem", body_for(coupon, **changes))

    assert (response.status_code, response.json()["code"]) == (400, "BAD_INPUT")
    assert list(response.json()["fields"]) == list(changes)
    assert response.json()["detail"]
    for table in (Redemption, RedemptionRequest, RedemptionAttempt):
        assert not table.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "7",
        "[[[[]]]]",
        '{"text": NaN}',
        SURROGATE,
        "9" * 5_000,
        b"\xff\xfe",
        "[" * 5_000,
    ],
    ids=lambda raw: repr(raw)[:20],
)
@pytest.mark.parametrize("path", ["preview", "redeem", "undo"])
def test_a_body_that_is_no_question_is_400(till, path, raw):
    response = post(till, path, raw)

    assert response.status_code == 400
    assert set(response.json()) >= {"code", "detail"}


@pytest.mark.parametrize(
    "body",
    [
        {"redemption_no": "26112000000001", "reason": "BORED"},
        {"redemption_no": "1' OR '1", "reason": "MISSCAN"},
        {"redemption_no": "1" * 21, "reason": "MISSCAN"},
        {"redemption_no": ["26112000000001"], "reason": "MISSCAN"},
        {"reason": "MISSCAN"},
        {"redemption_no": "26112000000001"},
    ],
)
def test_a_bad_undo_is_400(till, body):
    assert post(till, "undo", body | {"device_id": DEVICE}).status_code == 400


def test_a_result_without_a_device_is_400(till):
    assert till.get(f"/till/api/result/{REQUEST}").status_code == 400
    assert till.get(f"/till/api/result/{REQUEST}?device_id=%00%00%00%00%00%00%00%00").status_code == 400


ENDPOINTS = [
    ("post", "preview"),
    ("post", "redeem"),
    ("post", "undo"),
    ("get", f"result/{REQUEST}"),
    ("get", "history"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_nobody_logged_in_is_401(client, method, path):
    response = getattr(client, method)(f"/till/api/{path}")

    assert (response.status_code, response.json()["code"]) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_without_the_permission_is_403(client, method, path):
    operator = make_operator()
    StoreScope.objects.create(operator=operator, store=make_store("X"))
    client.force_login(operator)

    response = getattr(client, method)(f"/till/api/{path}")

    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_a_clerk_of_two_stores_must_choose(client, method, path):
    client.force_login(make_clerk(make_store("A"), make_store("B")))

    response = getattr(client, method)(f"/till/api/{path}")

    assert (response.status_code, response.json()["code"]) == (403, "NO_STORE")


def test_a_store_taken_away_during_the_session_is_403(till, clerk, coupon):
    till.get("/till/")
    StoreScope.objects.filter(operator=clerk).delete()

    response = post(till, "redeem", body_for(coupon))

    assert (response.status_code, response.json()["code"]) == (403, "NO_STORE")
    assert not Redemption.objects.exists()


def test_a_store_of_somebody_else_in_the_session_is_403(client, clerk, coupon):
    client.force_login(clerk)
    session = client.session
    session["till_store_id"] = make_store("Z").pk
    session.save()

    assert post(client, "redeem", body_for(coupon)).json()["code"] == "NO_STORE"


def test_another_site_cannot_redeem(clerk, coupon):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(clerk)

    response = post(strict, "redeem", body_for(coupon))

    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")
    assert not Redemption.objects.exists()


def test_a_wrong_method_is_405(till):
    response = till.get("/till/api/redeem")

    assert (response.status_code, response.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_an_expired_coupon_says_since_when(till):
    now = clock.now()
    coupon = make_coupon(valid_from=now - timedelta(days=9), valid_until=now - timedelta(days=4, hours=10))

    page = post(till, "redeem", body_for(coupon, request_id=str(uuid4()))).json()["page"]

    assert len(page["facts"]) == 3 and page["facts"][0][1] == "满50减10"
