"""The pages that members open from an SMS, in a real browser: every state, no sideways scrolling, nothing outside."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from coupons.models import Coupon
from coupons.services.redeem import redeem
from foundation import clock
from members.services.preference import links_for
from tests.coupons.tills import LONG, ask, make_clerk, make_coupon, pause
from tests.e2e.tills import PHONE, context_of
from tests.factories import make_member, make_terms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.usefixtures("committed")]

Shoot = Callable[[Page, str], None]
NUMBERS = count(100)
SMALL = {"width": 320, "height": 640}
SPAN_OF_QR = "() => [...document.querySelectorAll('svg.qr, svg.bars')].map((one) => one.getBoundingClientRect().width)"


@pytest.fixture
def phone(browser: Browser, live_server: Any) -> Callable[..., Page]:
    """A member's phone; everything it asks and complains about is kept on the page."""

    def open_phone(**options: Any) -> Page:
        page = context_of(browser, live_server.url, None, **{"viewport": PHONE, "has_touch": True} | options).new_page()
        page.faults = []
        page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: page.faults.append(request.url) if live_server.url not in request.url else 0)
        return page

    return open_phone


def coupon_in(state: str) -> Coupon:
    """A member's coupon in one state."""
    now, member = clock.now(), make_member(number=next(NUMBERS))
    changes = {
        "expired": {"valid_until": now - timedelta(days=4)},
        "not-yet": {"valid_from": now + timedelta(days=5, hours=13), "valid_until": now + timedelta(days=20)},
        "void": {"state": "VOID"},
    }.get(state, {})
    changes = {"valid_until": now + timedelta(days=9)} | changes
    coupon = make_coupon(make_terms(**LONG, title="周末满50减10"), member_id=member.pk, **changes)
    if state == "paused":
        pause(coupon)
    if state == "used":
        redeem(question=ask(make_clerk(), coupon.code), request_id=uuid4(), now=now)
    return coupon


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("valid", "屏幕调亮"),
        ("used", "已使用"),
        ("expired", "已过期"),
        ("not-yet", "起可用"),
        ("paused", "暂停"),
        ("void", "已失效"),
    ],
)
def test_every_state_reads_well_and_fits(
    phone: Callable[..., Page], live_server: Any, shoot: Shoot, state: str, word: str
) -> None:
    coupon = coupon_in(state)
    page = phone()

    page.goto(f"{live_server.url}/c/{coupon.link_token}")

    expect(page.locator("main")).to_contain_text(word)
    assert (coupon.code in page.content()) is False and (page.locator("svg.qr").count() == 1) is (state == "valid")
    shoot(page, f"coupon-{state}")
    page.set_viewport_size(SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    assert page.faults == []


def test_a_good_coupon_shows_its_code_without_scrolling(phone: Callable[..., Page], live_server: Any) -> None:
    page = phone()

    page.goto(f"{live_server.url}/c/{coupon_in('valid').link_token}")

    assert page.evaluate("document.querySelector('.bars').getBoundingClientRect().bottom") < PHONE["height"]
    assert page.evaluate(SPAN_OF_QR) == [261, 334]
    page.set_viewport_size(SMALL)
    assert page.evaluate(SPAN_OF_QR) == [232, 250.5]
    assert page.evaluate("document.querySelector('svg.qr').getBoundingClientRect().bottom") < SMALL["height"]


def test_the_enlarged_code_is_white_and_leads_back(phone: Callable[..., Page], live_server: Any, shoot: Shoot) -> None:
    coupon = coupon_in("valid")
    page = phone(color_scheme="dark")
    page.goto(f"{live_server.url}/c/{coupon.link_token}")
    expect(page.get_by_text("从屏幕顶部往下划")).to_be_visible()
    shoot(page, "coupon-dark")

    page.set_viewport_size(PHONE)
    page.get_by_text("放大").click()

    expect(page.locator(".zoom")).to_have_css("background-color", "rgb(255, 255, 255)")
    assert page.evaluate(SPAN_OF_QR) == [348, 334]
    shoot(page, "coupon-large")
    page.get_by_text("缩小").click()
    expect(page.locator(".ticket")).to_be_visible()
    assert page.faults == []


def test_several_coupons_of_one_member_lead_to_each_other(
    phone: Callable[..., Page], live_server: Any, shoot: Shoot
) -> None:
    first, now = coupon_in("valid"), clock.now()
    share = {"kind": "DISCOUNT", "face_fen": 0, "min_spend_fen": 0, "percent_off_bp": 2_000, "cap_fen": 1_500}
    make_coupon(
        make_terms(**LONG, **share, title="生鲜 8 折券"), member_id=first.member_id, valid_until=now + timedelta(days=4)
    )
    gift = {"kind": "EXCHANGE", "face_fen": 0, "min_spend_fen": 0, "gift_name": "土鸡蛋 1 盒"}
    make_coupon(
        make_terms(**LONG, **gift, title="土鸡蛋兑换券"),
        member_id=first.member_id,
        valid_until=now + timedelta(days=20),
    )
    page = phone()
    page.goto(f"{live_server.url}/c/{first.link_token}")

    page.get_by_text("您还有 2 张可用的券").click()

    expect(page.locator(".mini-name")).to_have_text(["生鲜 8 折券", "周末满50减10", "土鸡蛋兑换券"])
    shoot(page, "coupon-several")
    page.set_viewport_size(PHONE)
    page.locator("a.mini").first.click()
    expect(page.locator("h1")).to_have_text("生鲜 8 折券")
    assert page.faults == []


def test_leaving_and_coming_back_on_the_preference_page(
    phone: Callable[..., Page], live_server: Any, shoot: Shoot
) -> None:
    member = make_member(number=7)
    link = links_for(phone_hashes=[member.phone_hash])[member.phone_hash]
    page = phone(java_script_enabled=False)
    page.goto(f"{live_server.url}/p/{link}")
    shoot(page, "preference")

    page.set_viewport_size(PHONE)
    page.get_by_text("太多了").click()
    page.get_by_role("button", name="确认退订").click()
    expect(page.get_by_role("status")).to_contain_text("排队中的也不再发")
    shoot(page, "preference-left")
    page.set_viewport_size(SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]

    page.get_by_text("重新接收").first.click()
    page.get_by_role("button", name="同意，重新接收").click()
    expect(page.get_by_text("在本页同意接收营销短信")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_english_fits_a_small_phone_too(phone: Callable[..., Page], live_server: Any, theme: str) -> None:
    coupon, member = coupon_in("valid"), make_member(number=9)
    link = links_for(phone_hashes=[member.phone_hash])[member.phone_hash]
    page = phone(locale="en-US", color_scheme=theme, viewport=SMALL)

    for path in (
        f"c/{coupon.link_token}",
        f"c/{coupon.link_token}/large",
        f"c/{coupon.link_token}/all",
        f"p/{link}",
        "c/x",
    ):
        page.goto(f"{live_server.url}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"], path
        assert not any(
            "\u4e00" <= character <= "\u9fff" for character in page.locator("footer, .btn, .hint").all_inner_texts()
        )
