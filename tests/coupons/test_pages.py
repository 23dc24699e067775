"""The till without JavaScript, and the member's coupon page."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.staticfiles import finders
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_ALPHA_NUM, QRData

from coupons.models import Coupon, Redemption
from coupons.rules.code import group_code
from coupons.rules.eligibility import Refusal
from coupons.rules.qr import QUIET_ZONE
from coupons.rules.reason_texts import REASON_TEXTS
from coupons.services.qr import MASK, draw_qr
from coupons.services.redeem import redeem
from foundation import clock
from members.models import Store
from tests.coupons.tills import LONG, ask, make_clerk, make_coupon, make_manager, pause
from tests.factories import make_operator, make_store, make_terms

pytestmark = pytest.mark.django_db

SECRET_PAGES = ["/till/", "/till/login/", "/till/history/", "/till/recent"]


@pytest.fixture
def clerk():
    return make_clerk(display_name="王秀兰")


@pytest.fixture
def till(client, clerk):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.force_login(clerk)
    client.get("/till/")  # the browser gets its device number
    client.post("/till/shift/open")
    return client


@pytest.fixture
def coupon():
    return make_coupon(make_terms(**LONG))


def request_id_in(response):
    return re.search(r'name="request_id" value="([0-9a-f-]{36})"', response.content.decode())[1]


def test_every_reason_has_a_text():
    assert set(REASON_TEXTS) == set(Refusal)


def test_the_till_asks_for_the_login(client):
    response = client.get("/till/")

    assert (response.status_code, response["Location"]) == (302, "/till/login/?next=%2Ftill%2F")


def test_a_clerk_logs_in_and_stands_at_the_till(client, clerk):
    clerk.set_password("correct horse battery")
    clerk.save()

    response = client.post(
        "/till/login/", {"username": clerk.username, "password": "correct horse battery"}, follow=True
    )

    assert response.redirect_chain == [("/till/", 302)]
    assert "王秀兰" in response.content.decode()


def test_a_wrong_password_says_so(client, clerk):
    response = client.post("/till/login/", {"username": clerk.username, "password": "no"})

    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_without_the_permission_the_page_says_so_and_offers_to_log_out(client):
    client.force_login(make_operator())

    response = client.get("/till/")

    assert response.status_code == 403
    assert "/till/logout/" in response.content.decode()


def test_a_clerk_without_a_store_is_told_so(client):
    clerk = make_clerk()
    clerk.store_scopes.all().delete()
    client.force_login(clerk)

    assert client.get("/till/", follow=True).status_code == 403


def test_a_clerk_of_two_stores_chooses_once(client):
    first, second = make_store("A", name="南京路店"), make_store("B", name="莘庄店")
    client.force_login(make_clerk(first, second))

    asked = client.get("/till/", follow=True)
    foreign = client.post("/till/store/", {"store": "999999"})
    client.post("/till/store/", {"store": second.pk})

    assert asked.redirect_chain == [("/till/store/", 302)] and foreign.status_code == 200
    assert "莘庄店" in client.get("/till/").content.decode()


@pytest.mark.parametrize("path", SECRET_PAGES)
def test_pages_of_the_till_carry_the_strict_policy(till, path):
    response = till.get(path)

    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert (response["Cache-Control"], response["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", response.content.decode())


def test_only_the_pages_with_the_camera_may_compile_webassembly(till, coupon):
    paths = [*SECRET_PAGES, f"/c/{coupon.link_token}"]

    assert [path for path in paths if "wasm" in till.get(path)["Content-Security-Policy"]] == ["/till/"]


def test_the_barcode_reader_is_ours_and_whole():
    folder = Path(finders.find("coupons/vendor/zxing"))

    modules = [path.read_text(encoding="utf-8") for path in folder.rglob("*.js")]
    wasm = hashlib.sha256((folder / "reader" / "zxing_reader.wasm").read_bytes()).hexdigest()
    assert not any("://" in text for text in modules)
    assert any(wasm in text for text in modules), "the .wasm is of another version than its module"


def test_the_device_keeps_its_number(till):
    first = till.get("/till/").content.decode()
    second = till.get("/till/").content.decode()

    numbers = {re.search(r'data-device="([0-9a-f]{32})"', page)[1] for page in (first, second)}
    assert len(numbers) == 1


def test_a_forged_device_gets_a_new_number(till):
    till.cookies["till_device"] = "device-0001:forged"

    assert 'data-device="device-0001' not in till.get("/till/").content.decode()


def test_look_then_redeem_with_plain_forms(till, coupon):
    look = till.post("/till/check", {"text": group_code(coupon.code).lower()})
    form = {"text": coupon.code, "request_id": request_id_in(look), "ticket": "87.60"}

    verdict = till.post("/till/redeem", form)

    assert "verdict--ok" in verdict.content.decode() and "10.00" in verdict.content.decode()
    assert Redemption.objects.get().ticket_fen == 8_760


def test_a_form_sent_twice_redeems_once_with_one_answer(till, coupon):
    form = {"text": coupon.code, "request_id": str(uuid4()), "ticket": "87.60"}

    pages = [till.post("/till/redeem", form).content.decode() for _ in range(2)]

    numbers = [re.search(r"No\. …(\d{6})", page)[1] for page in pages]
    assert numbers[0] == numbers[1] and all("verdict--ok" in page for page in pages)
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize("ticket", ["", "abc", "-5", "1.999", "9" * 33])
def test_a_bad_amount_asks_again_and_changes_nothing(till, coupon, ticket):
    form = {"text": coupon.code, "request_id": str(uuid4()), "ticket": ticket}

    response = till.post("/till/redeem", form)

    assert not Redemption.objects.exists()
    assert response.status_code == (200 if ticket == "" else 400)


def test_too_low_an_amount_offers_to_change_it(till, coupon):
    response = till.post("/till/redeem", {"text": coupon.code, "request_id": str(uuid4()), "ticket": "49.99"})

    page = response.content.decode()
    assert "verdict--bad" in page and "Add ¥0.01 and it works" in page and "Change the amount" in page


@pytest.mark.parametrize("text", ["", "\x00", "A" * 300, "<script>"])
def test_nonsense_in_the_code_field_is_answered(till, text):
    response = till.post("/till/check", {"text": text})

    assert response.status_code in (200, 400)
    assert "<script>" not in response.content.decode()


def test_history_and_undo_with_plain_forms(till, coupon):
    till.post("/till/redeem", {"text": coupon.code, "request_id": str(uuid4()), "ticket": "87.60"})
    number = Redemption.objects.get().redemption_no

    listed = till.get("/till/history/").content.decode()
    asked = till.get(f"/till/undo/{number}/").content.decode()
    without_reason = till.post(f"/till/undo/{number}/")
    done = till.post(f"/till/undo/{number}/", {"reason": "CUSTOMER"}, follow=True)

    assert f"/till/undo/{number}/" in listed and "scanned by mistake" in asked
    assert without_reason.status_code == 409
    assert "take ¥10.00 more" in done.content.decode()
    assert Redemption.objects.get().reversal.reason == "CUSTOMER"


def test_the_history_lists_what_was_refused(till, clerk, coupon):
    colleague = make_clerk(Store.objects.get(scopes__operator=clerk), display_name="周敏")
    for who in (colleague, clerk):
        redeem(question=ask(who, "7K3M9QX2TD5V"), request_id=uuid4(), now=clock.now())
    pause(coupon)
    till.post("/till/check", {"text": coupon.code})

    mine = till.get("/till/history/", {"show": "refused"}).content.decode()
    till.force_login(make_manager(Store.objects.get(scopes__operator=clerk)))
    of_the_store = till.get("/till/history/", {"show": "refused"}).content.decode()

    assert "Refused 2" in mine and "Mistyped" in mine and coupon.terms.title in mine and "周敏" not in mine
    assert "Refused 3" in of_the_store and "周敏" in of_the_store


def test_a_manager_is_sent_to_the_area_manager_for_own_late_redemptions(client, clerk, coupon):
    manager = make_manager(Store.objects.get(scopes__operator=clerk))
    redeem(question=ask(manager, coupon.code), request_id=uuid4(), now=clock.now())
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.force_login(manager)

    page = client.get("/till/history/").content.decode()

    assert "Ask the area manager" in page and "/till/undo/" not in page


def test_a_colleague_does_not_see_the_undo(till, clerk, coupon):
    store = Store.objects.get(scopes__operator=clerk)
    redeem(question=ask(make_clerk(store), coupon.code), request_id=uuid4(), now=clock.now())

    assert till.get(f"/till/undo/{Redemption.objects.get().redemption_no}/").status_code == 302


def test_the_manager_sees_the_store_with_its_undos(client, clerk, coupon):
    store = Store.objects.get(scopes__operator=clerk)
    redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=clock.now())
    client.force_login(make_manager(store))

    page = client.get("/till/history/").content.decode()

    assert "王秀兰" in page and "/till/undo/" in page


@pytest.mark.parametrize("count", [1, 20])
def test_the_ready_page_costs_the_same_however_long_the_day(till, clerk, count, django_assert_max_num_queries):
    terms = make_terms(**LONG)
    for number in range(count):
        coupon = make_coupon(terms, member_id=number)
        redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=clock.now())
    till.get("/till/")

    with django_assert_max_num_queries(10):
        till.get("/till/")


# The member's page --------------------------------------------------------------------------------


def page_of(client, coupon, **headers):
    return client.get(f"/c/{coupon.link_token}", headers={"accept-language": "en"} | headers)


def test_a_good_coupon_shows_its_code_and_qr(client, coupon):
    response = page_of(client, coupon)

    page = response.content.decode()
    assert group_code(coupon.code) in page and draw_qr(code=coupon.code).path in page
    assert "5678" in page and coupon.code not in re.search("<title>(.*?)</title>", page)[1]
    assert response["Referrer-Policy"] == "no-referrer" and response["X-Robots-Tag"] == "noindex, nofollow"
    assert "default-src 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "word"),
    [("void", "No longer valid"), ("expired", "Expired"), ("early", "From "), ("paused", "Paused"), ("used", "Used")],
)
def test_a_coupon_that_cannot_be_used_hides_its_code(client, clerk, coupon, name, word):
    now = clock.now()
    changes = {
        "void": {"state": "VOID"},
        "expired": {"valid_until": now - timedelta(seconds=1)},
        "early": {"valid_from": now + timedelta(days=2)},
    }
    Coupon.objects.filter(pk=coupon.pk).update(**changes.get(name, {"use_seq": 0}))
    if name == "paused":
        pause(coupon)
    if name == "used":
        redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=now)

    page = page_of(client, coupon).content.decode()

    assert f'<p class="word">{word}' in page
    assert coupon.code not in page and group_code(coupon.code) not in page


def test_a_used_coupon_says_where(client, clerk, coupon):
    redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=clock.now())

    page = page_of(client, coupon).content.decode()

    assert Store.objects.get(scopes__operator=clerk).name in page and "¥10.00" in page


def test_only_the_first_look_is_noted(client, coupon):
    page_of(client, coupon)
    first = Coupon.objects.get().first_viewed_at
    page_of(client, coupon)

    assert first is not None and Coupon.objects.get().first_viewed_at == first


@pytest.mark.parametrize("headers", [{"sec-purpose": "prefetch"}, {"user-agent": "Slackbot-LinkExpanding 1.0"}])
def test_programs_that_look_ahead_do_not_count(client, coupon, headers):
    page_of(client, coupon, **headers)
    client.head(f"/c/{coupon.link_token}")

    assert Coupon.objects.get().first_viewed_at is None


@pytest.mark.parametrize("token", ["nonsense", "AAAAAAAAAAA", "%00", "%3Cscript%3E", "a" * 3_000])
def test_unknown_tokens_get_one_page_that_does_not_repeat_them(client, token):
    bodies = [client.get(f"/{room}/{token}") for room in "cp"]

    assert [response.status_code for response in bodies] == [404, 404]
    assert bodies[0].content == bodies[1].content == client.get("/c/other-one").content
    assert bodies[0]["Referrer-Policy"] == "no-referrer"


def test_the_drawn_qr_is_the_matrix():
    code = "7K3M9QX2TD5V"
    drawing = draw_qr(code=code)
    qr = QRCode(version=1, error_correction=ERROR_CORRECT_M, mask_pattern=MASK)
    qr.add_data(QRData(f"C1.{code}", mode=MODE_ALPHA_NUM), optimize=0)
    qr.make(fit=False)

    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", drawing.path)
    dark = {(int(x) + step, int(y)) for x, y, length in runs for step in range(int(length))}

    wanted = {(x + QUIET_ZONE, y + QUIET_ZONE) for y, row in enumerate(qr.modules) for x, on in enumerate(row) if on}
    assert (drawing.side, dark) == (29, wanted)
