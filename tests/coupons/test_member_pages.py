"""What hangs on a member's coupon page: the enlarged code, the reminder, further coupons, the way out."""

from datetime import timedelta

import pytest

from coupons.models import Coupon
from coupons.rules.code import group_code
from foundation import clock
from members.models import ConsentEvent, Member, PreferenceLink
from tests.coupons.tills import LONG, make_coupon, pause
from tests.factories import make_member, make_terms

pytestmark = pytest.mark.django_db

PARTS = ["", "/large", "/reminder.ics", "/all", "/messages"]


@pytest.fixture(autouse=True)
def english(client):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def coupon():
    return make_coupon(make_terms(**LONG, title="周末满50减10"), member_id=make_member().pk)


def open_part(client, coupon, part="", **headers):
    return client.get(f"/c/{coupon.link_token}{part}", headers=headers)


def in_state(coupon, state):
    now = clock.now()
    changes = {
        "void": {"state": "VOID"},
        "expired": {"valid_until": now - timedelta(seconds=1)},
        "early": {"valid_from": now + timedelta(days=2)},
        "used": {"uses_count": 1, "state": "REDEEMED"},
    }
    Coupon.objects.filter(pk=coupon.pk).update(**changes.get(state, {"use_seq": 0}))
    if state == "paused":
        pause(coupon)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("token", ["nonsense", "AAAAAAAAAAA", "%00", "a" * 3_000])
def test_an_unknown_link_is_sorry_on_every_page(client, coupon, part, token):
    response = client.get(f"/c/{token}{part}")

    assert response.status_code == 404
    assert response["Referrer-Policy"] == "no-referrer" and "default-src 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("part", PARTS)
def test_nothing_can_be_posted(client, coupon, part):
    assert client.post(f"/c/{coupon.link_token}{part}").status_code == 405


@pytest.mark.parametrize("state", ["void", "expired", "early", "paused", "used"])
def test_a_coupon_that_is_not_good_now_shows_its_code_nowhere(client, coupon, state):
    in_state(coupon, state)

    for part in PARTS:
        page = client.get(f"/c/{coupon.link_token}{part}", follow=True).content.decode()
        assert coupon.code not in page and group_code(coupon.code) not in page


def test_the_enlarged_code_has_no_inline_code(client, coupon):
    page = open_part(client, coupon, "/large").content.decode()

    assert group_code(coupon.code) in page and "<script>" not in page and "style=" not in page


def test_the_reminder_holds_neither_code_nor_link(client, coupon):
    response = open_part(client, coupon, "/reminder.ics")

    text = response.content.decode()
    assert response["Content-Type"].startswith("text/calendar") and response["Cache-Control"] == "no-store"
    assert "Coupon ends soon: 周末满50减10" in text
    assert coupon.code not in text and group_code(coupon.code) not in text and coupon.link_token not in text


def test_a_coupon_for_later_reminds_of_its_first_day(client, coupon):
    in_state(coupon, "early")

    assert "Coupon good from today" in open_part(client, coupon, "/reminder.ics").content.decode()


@pytest.mark.parametrize("state", ["void", "expired", "paused", "used"])
def test_there_is_nothing_to_remind_of_a_coupon_that_is_over(client, coupon, state):
    in_state(coupon, state)

    assert "reminder.ics" not in open_part(client, coupon).content.decode()
    assert open_part(client, coupon, "/reminder.ics").status_code == 302


def test_wechat_cannot_download_and_says_what_to_do(client, coupon):
    page = open_part(client, coupon, **{"user-agent": "Mozilla/5.0 MicroMessenger/8.0"}).content.decode()

    assert "reminder.ics" not in page and "tap the three dots" in page


def test_others_of_the_same_member_are_listed_by_their_end(client, coupon):
    now = clock.now()
    soon = make_coupon(
        make_terms(**LONG, title="soon"), member_id=coupon.member_id, valid_until=now + timedelta(days=2)
    )
    make_coupon(make_terms(**LONG, title="over"), member_id=coupon.member_id, valid_until=now - timedelta(days=1))
    make_coupon(make_terms(**LONG, title="somebody's"), member_id=coupon.member_id + 1)
    pause(make_coupon(make_terms(**LONG, title="paused"), member_id=coupon.member_id))

    first = open_part(client, coupon).content.decode()
    page = open_part(client, coupon, "/all").content.decode()

    assert "1 more coupon is good now" in first and "soon" in first
    assert page.index(f"/c/{soon.link_token}") < page.index(f"/c/{coupon.link_token}")
    assert not any(name in page for name in ("over</b>", "somebody", "paused"))


def test_a_coupon_of_nobody_has_no_others_and_no_settings(client):
    terms = make_terms(**LONG)
    first, second = make_coupon(terms, member_id=1), make_coupon(terms, member_id=2)
    Coupon.objects.update(member_id=None)

    page = open_part(client, first).content.decode()

    assert "/messages" not in page and "/all" not in page
    assert second.link_token not in open_part(client, first, "/all").content.decode()
    assert open_part(client, first, "/messages").status_code == 404


def test_the_way_out_leads_to_the_members_own_preference_page(client, coupon):
    response = open_part(client, coupon, "/messages")
    again = open_part(client, coupon, "/messages")

    link = PreferenceLink.objects.get()
    assert response["Location"] == again["Location"] == f"/p/{link.token}"
    assert not ConsentEvent.objects.exists()


def test_an_erased_member_has_no_way_out_to_show(client, coupon):
    Member.objects.update(erased_at=clock.now())

    assert open_part(client, coupon, "/messages").status_code == 404


@pytest.mark.parametrize("count", [1, 12])
def test_a_list_costs_the_same_however_long(client, coupon, count, django_assert_max_num_queries):
    terms = make_terms(**LONG, per_member_limit=20)
    for number in range(count):
        make_coupon(terms, member_id=coupon.member_id, ordinal=number + 1)

    with django_assert_max_num_queries(2):
        open_part(client, coupon, "/all")
    with django_assert_max_num_queries(4):
        open_part(client, coupon)
