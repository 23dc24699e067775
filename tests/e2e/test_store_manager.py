"""The store manager's page in a real browser, without a script: reading the day, finding one, undoing it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from coupons.models import Redemption
from coupons.services.redeem import redeem
from foundation import clock
from tests.coupons.tills import ask, make_clerk, make_coupon, make_manager
from tests.e2e.tills import PHONE, context_of
from tests.factories import make_store, make_terms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.usefixtures("committed")]

SMALL = {"width": 320, "height": 640}
WEEK = timedelta(days=7)
GIFT = {"kind": "EXCHANGE", "face_fen": 0, "min_spend_fen": 0, "gift_name": "1 盒", "requires_amount": False}


@pytest.fixture(autouse=True)
def afternoon(settings: Any) -> None:
    """Half past two in Shanghai: five hours back and three ahead are the same day."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    settings.CLOCK_OFFSET_SECONDS = int((now.replace(hour=14, minute=30) - now).total_seconds())


def sell_a_day(store: Any) -> list[str]:
    """Four clerks today and a week ago; the numbers of today, oldest first."""
    now, member = clock.now(), 0
    cash = make_terms(title="周末满50减10", planned_count=900)
    gift = make_terms(**GIFT, title="土鸡蛋兑换券", planned_count=900)
    clerks = [make_clerk(store, display_name=name) for name in ("王秀兰", "李建国", "陈美芳", "赵小军")]
    numbers = []
    for hours, today, before in (
        (5, 4, 3),
        (4, 6, 7),
        (3, 17, 15),
        (2, 7, 9),
        (1, 3, 5),
        (0, 2, 2),
        (-1, 0, 6),
        (-3, 0, 4),
    ):
        for day, count in ((now, today), (now - WEEK, before)):
            for turn in range(count):
                member += 1
                coupon = make_coupon(
                    gift if turn % 4 == 3 else cash,
                    member_id=member,
                    valid_from=now - 2 * WEEK,
                    valid_until=now + 2 * WEEK,
                )
                channel = "TYPED" if turn % 4 == 2 else "CAMERA"
                asked = ask(
                    clerks[turn % 4], coupon.code, ticket_fen=6_880, input_channel=channel, receipt_no=f"0322-{member}"
                )
                answer = redeem(question=asked, request_id=uuid4(), now=day - timedelta(hours=hours, seconds=60 - turn))
                numbers += [answer["redemption_no"]] if day == now else []
    for text in ("0" * 12, "0" * 12, "1234"):
        redeem(question=ask(clerks[2], text), request_id=uuid4(), now=now - timedelta(seconds=30))
    return numbers


def test_the_day_is_read_and_a_late_redemption_undone(
    browser: Browser, live_server: Any, shoot: Callable[[Page, str], None]
) -> None:
    store = make_store("M1", name="南京路店")
    numbers = sell_a_day(store)
    today = clock.now().astimezone(ZoneInfo(store.zone)).date()
    manager = make_manager(store, display_name="张伟")
    context = context_of(browser, live_server.url, manager, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/till/manager/")
    expect(page.locator(".tile b").first).to_have_text(f"{Redemption.objects.filter(business_date=today).count()} 笔")
    shoot(page, "manager")
    page.set_viewport_size(SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]

    page.set_viewport_size(PHONE)
    late = Redemption.objects.get(redemption_no=numbers[0])
    page.get_by_role("searchbox").fill(late.receipt_no)
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="撤销").click()
    expect(page.locator("main")).to_contain_text("请确认已补收 ¥10.00")
    shoot(page, "manager-undo")
    page.set_viewport_size(SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]

    page.get_by_text("顾客不要了").click()
    page.get_by_role("button", name="撤销").click()

    expect(page.get_by_role("status")).to_contain_text("收银机要多收 ¥10.00")
    late.refresh_from_db()
    assert (late.state, late.reversal.by) == ("REVERSED", manager)


def test_english_and_dark_fit_a_small_phone_too(browser: Browser, live_server: Any) -> None:
    store = make_store("M1", name="Nanjing Road")
    number = sell_a_day(store)[-1]
    options = {"locale": "en-US", "color_scheme": "dark", "viewport": SMALL}
    page = context_of(browser, live_server.url, make_manager(store), **options).new_page()

    for path in ("", f"undo/{number}/"):
        page.goto(f"{live_server.url}/till/manager/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"], path
    page.goto(f"{live_server.url}/till/manager/")
    page.get_by_text("As a table").click()
    # From eight to nine in the evening.
    expect(page.locator(".chart tbody tr").nth(13)).to_be_visible()
