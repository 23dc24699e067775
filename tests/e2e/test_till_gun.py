"""Scan guns at the till: a keyboard that types fast, told from a person in whatever field the focus is."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from coupons.models import Coupon, Redemption, RedemptionAttempt
from foundation.models import Operator
from tests.coupons.tills import LONG, make_clerk, make_coupon
from tests.e2e.tills import burst, context_of, payload_of, stand_at_till
from tests.factories import make_terms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.usefixtures("committed")]

BANNER = "请切换到英文输入法"


@pytest.fixture
def clerk(live_server: Any) -> Operator:
    return make_clerk()


@pytest.fixture
def page(live_server: Any, browser: Browser, clerk: Operator) -> Any:
    context = context_of(browser, live_server.url, clerk)
    page = context.new_page()
    stand_at_till(page, live_server.url)
    yield page
    context.close()


@pytest.fixture
def coupon() -> Coupon:
    """One that is redeemed without a question."""
    return make_coupon(make_terms(**LONG | {"min_spend_fen": 0}, requires_amount=False))


@pytest.fixture
def asking() -> Callable[[int], Coupon]:
    """Coupons that want the amount, so that they are looked at first."""
    terms = make_terms(**LONG)
    return lambda number: make_coupon(terms, member_id=number)


def full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


@pytest.mark.parametrize("end", ["Enter", "Tab", ""])
def test_a_burst_is_a_scan_however_it_ends(page: Page, coupon: Coupon, end: str) -> None:
    assert burst(page, payload_of(coupon.code), end=end) == ("swallowed" if end else "")

    expect(page.locator(".verdict--ok")).to_be_visible()
    assert Redemption.objects.get().input_channel == "SCANNER"


@pytest.mark.parametrize("selector", ["form[action$='/logout/'] button", "#sound", "#code", "#cam-open"])
def test_the_enter_of_a_burst_presses_nothing(page: Page, coupon: Coupon, selector: str) -> None:
    page.focus(selector)

    assert burst(page, payload_of(coupon.code)) == "swallowed"

    expect(page.locator(".verdict--ok")).to_be_visible()
    assert page.url.endswith("/till/")
    assert page.evaluate("localStorage.getItem('till.sound')") != "off"


@pytest.mark.parametrize(("text", "gap_ms"), [("7K3M9QX", 2), ("7K3M9QX2", 80)])
def test_few_or_slow_keys_are_typing(page: Page, text: str, gap_ms: int) -> None:
    burst(page, text, end="", gap_ms=gap_ms)

    expect(page.locator("#code")).to_have_value(f"{text[:4]} {text[4:]}")
    assert not RedemptionAttempt.objects.exists()


def test_the_same_code_within_a_moment_is_one_scan(page: Page, coupon: Coupon) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    burst(page, payload_of(coupon.code))
    burst(page, payload_of(coupon.code))

    expect(page.locator(".verdict--ok")).to_be_visible()
    assert sum(url.endswith("/preview") for url in asked) == 1


def test_full_width_letters_are_folded(page: Page, coupon: Coupon) -> None:
    burst(page, full_width(payload_of(coupon.code).lower()))

    expect(page.locator(".verdict--ok")).to_be_visible()


def test_letters_through_an_input_method_are_folded(page: Page, coupon: Coupon) -> None:
    burst(page, full_width(payload_of(coupon.code)), ime=True, end="")

    expect(page.locator(".verdict--ok")).to_be_visible()


def test_a_composition_is_read_all_the_same_and_the_clerk_is_told_until_the_next_clean_burst(
    page: Page, coupon: Coupon, asking: Callable[[int], Coupon]
) -> None:
    keyboard = page.context.new_cdp_session(page)
    text = full_width(payload_of(coupon.code).lower())
    keyboard.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    keyboard.send("Input.insertText", {"text": text})

    expect(page.locator(".verdict--ok")).to_be_visible()
    expect(page.get_by_text(BANNER)).to_be_visible()

    burst(page, payload_of(asking(2).code))
    expect(page.locator("#look")).to_be_visible()
    expect(page.get_by_text(BANNER)).to_be_hidden()


def test_keys_that_an_input_method_swallowed_still_tell_the_clerk(page: Page) -> None:
    page.evaluate(
        """() => {
          const at = document.getElementById("scanner");
          for (let key = 0; key < 14; key += 1)
            at.dispatchEvent(new KeyboardEvent("keydown", { key: "Process", isComposing: true, bubbles: true }));
          at.dispatchEvent(new CompositionEvent("compositionend", { data: "传七开", bubbles: true }));
        }"""
    )

    expect(page.get_by_text(BANNER)).to_be_visible()
    expect(page.locator(".verdict--bad h1")).to_have_text("券码不对")


def test_a_burst_while_looking_asks_before_it_takes_the_place(page: Page, asking: Callable[[int], Coupon]) -> None:
    first, second, third, fourth = (asking(number) for number in (1, 2, 3, 4))
    burst(page, payload_of(first.code))
    amount = page.locator("#look [name=ticket]")
    expect(amount).to_be_focused()
    page.keyboard.type("87.6", delay=70)

    burst(page, payload_of(second.code))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("换成这一张？")
    burst(page, payload_of(third.code))  # neither its digits nor its Enter answer the question
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")

    expect(dialog).to_have_count(0)
    expect(amount).to_have_value("87.6")
    burst(page, payload_of(fourth.code))
    dialog.get_by_role("button", name="换成新的").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#look [name=ticket]")).to_have_value("")
    assert not Redemption.objects.exists()


def test_a_burst_on_a_verdict_starts_the_next_coupon(
    page: Page, coupon: Coupon, asking: Callable[[int], Coupon]
) -> None:
    burst(page, payload_of(coupon.code))
    expect(page.locator(".verdict--ok")).to_be_visible()

    burst(page, payload_of(asking(2).code))

    expect(page.locator("#look")).to_be_visible()
    assert Redemption.objects.count() == 1


def test_a_burst_on_the_undo_sheet_is_dropped(page: Page, coupon: Coupon, live_server: Any) -> None:
    burst(page, payload_of(coupon.code))
    expect(page.locator(".verdict--ok")).to_be_visible()
    page.keyboard.press("F8")
    page.wait_for_url("**/till/undo/**")
    page.locator("[name=reason]").nth(3).focus()

    assert burst(page, "C1.123451234512") == "swallowed"

    page.keyboard.press("2")
    expect(page.locator("[name=reason]").nth(1)).to_be_checked()
    assert "/till/undo/" in page.url
    assert Redemption.objects.get().state == "ACCEPTED"


def test_a_burst_in_the_history_goes_to_the_till(page: Page, coupon: Coupon, live_server: Any) -> None:
    page.goto(f"{live_server.url}/till/history/")

    burst(page, payload_of(coupon.code))

    expect(page.locator(".verdict--ok")).to_be_visible()
    assert page.url.endswith("/till/")
