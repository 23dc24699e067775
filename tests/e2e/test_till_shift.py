"""A clerk's shift in a real browser: begin over a colleague's, redeem, hand over, print; by keys alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from coupons.models import Redemption, Shift
from tests.coupons.tills import LONG, make_clerk, make_coupon, make_manager
from tests.e2e.tills import PHONE, context_of, stand_at_till
from tests.factories import make_store, make_terms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.usefixtures("committed")]

SMALL = {"width": 320, "height": 640}


def redeem_typed(page: Page, code: str) -> None:
    page.keyboard.type(code, delay=80)  # slower than a gun
    page.keyboard.press("Enter")
    expect(page.locator(".verdict--ok")).to_be_visible()
    expect(page.locator("[data-screen=ready]")).to_be_visible(timeout=8_000)  # green leaves by itself


def log_in_next(page: Page, url: str, operator: Any, browser: Browser) -> None:
    """The next person at the same till: another session, the same device."""
    page.goto("about:blank")
    context = context_of(browser, url, operator)
    page.context.add_cookies(context.cookies(url))
    context.close()


def test_one_clerk_after_the_other_by_keys(
    browser: Browser, live_server: Any, shoot: Callable[[Page, str], None]
) -> None:
    store = make_store("S1", name="南京路店")
    first, second = make_clerk(store, display_name="周敏"), make_clerk(store, display_name="王秀兰")
    cash = make_terms(title="周末满50减10", requires_amount=False, planned_count=9, **LONG)
    gift = make_terms(
        title="土鸡蛋兑换券",
        kind="EXCHANGE",
        face_fen=0,
        min_spend_fen=0,
        gift_name="1 盒",
        requires_amount=False,
        **LONG,
    )
    page = context_of(browser, live_server.url, first).new_page()
    stand_at_till(page, live_server.url)
    redeem_typed(page, make_coupon(cash, member_id=1).code)

    log_in_next(page, live_server.url, second, browser)
    page.goto(f"{live_server.url}/till/")
    expect(page.locator("main")).to_contain_text("周敏 在这台机器上的班次")
    expect(page.locator("[data-check=clock] [data-say=ok]")).to_be_visible()
    shoot(page, "till-shift-start")
    page.get_by_role("button", name="交掉那一班").press("Enter")
    page.locator("#entry").wait_for()
    page.wait_for_load_state()
    for number in (2, 3):
        redeem_typed(page, make_coupon(cash, member_id=number).code)
    page.keyboard.type(make_coupon(gift, member_id=4).code, delay=80)
    page.keyboard.press("Enter")
    expect(page.locator("[data-screen=preview]")).to_be_visible()
    page.get_by_role("button", name="确认核销").click(delay=450)  # deaf before, against double taps
    expect(page.locator(".verdict--ok")).to_be_visible()

    page.goto(f"{live_server.url}/till/shift/")
    expect(page.locator("tfoot")).to_contain_text("20.00")
    expect(page.locator("#unsettled")).to_be_hidden()
    shoot(page, "till-shift")
    page.get_by_role("button", name="交班").press("Enter")
    page.wait_for_url("**/slip/")
    shoot(page, "till-slip")

    assert list(Shift.objects.order_by("id").values_list("closed_by__display_name", flat=True)) == ["王秀兰"] * 2
    assert list(Redemption.objects.order_by("id").values_list("shift__clerk__display_name", flat=True)) == [
        "周敏", "王秀兰", "王秀兰", "王秀兰",
    ]  # fmt: skip


def test_a_redemption_without_an_answer_is_said_before_the_hand_over(browser: Browser, live_server: Any) -> None:
    page = context_of(browser, live_server.url, make_clerk()).new_page()
    stand_at_till(page, live_server.url)
    page.route("**/till/api/redeem", lambda route: route.abort())
    page.keyboard.type(make_coupon(make_terms(requires_amount=False, **LONG)).code, delay=80)
    page.keyboard.press("Enter")
    expect(page.locator(".verdict--warn")).to_be_visible()

    page.goto(f"{live_server.url}/till/shift/")

    expect(page.locator("#unsettled")).to_be_visible()


def test_a_shift_that_ended_elsewhere_is_said_at_the_till(browser: Browser, live_server: Any) -> None:
    context = context_of(browser, live_server.url, make_clerk())
    page, other = context.new_page(), context.new_page()
    stand_at_till(page, live_server.url)
    other.goto(f"{live_server.url}/till/shift/")
    other.get_by_role("button", name="交班").click()
    page.bring_to_front()

    page.keyboard.type(make_coupon(make_terms(requires_amount=False, **LONG)).code, delay=80)
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("刚才没有核销")
    assert not Redemption.objects.exists()


def test_the_pages_fit_a_small_phone_in_english_and_dark(browser: Browser, live_server: Any) -> None:
    options = {"locale": "en-US", "color_scheme": "dark", "viewport": SMALL}
    page = context_of(browser, live_server.url, make_manager(), **options).new_page()

    page.goto(f"{live_server.url}/till/")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    stand_at_till(page, live_server.url)
    for path in ("", "history/?show=refused", "shift/", f"shift/{Shift.objects.get().pk}/slip/"):
        page.goto(f"{live_server.url}/till/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"], path
    page.set_viewport_size(PHONE)
    page.emulate_media(media="print")
    expect(page.locator(".slip")).to_be_visible()
    expect(page.locator("#print")).to_be_hidden()
