"""Every verdict in a real browser, at the widths of a phone, a small PDA and a PC, in both languages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation
from playwright.sync_api import Browser, Page, Route, expect

from coupons.rules.code import check_symbol
from coupons.rules.eligibility import Refusal
from coupons.serializers.verdicts import show
from tests.coupons.answers import AT, refused
from tests.coupons.tills import make_clerk
from tests.e2e.tills import burst, context_of, stand_at_till
from tests.factories import make_store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.usefixtures("committed")]

LANGUAGES = {"zh-CN": "zh-hans", "en-US": "en"}
SIZES = {"phone": (390, 844), "pda": (320, 640), "pc": (1280, 900)}
LEAST_PX = {"zh-CN": {"phone": 56, "pda": 48, "pc": 108}, "en-US": {"phone": 40, "pda": 32, "pc": 80}}
PICTURED = {Refusal.WRONG_STORE, Refusal.MIN_SPEND, Refusal.NOT_FOUND, Refusal.ROTATING_STALE}
LOOK = """() => {
  const word = document.querySelector(".verdict h1"), style = getComputedStyle(word);
  const buttons = [...document.querySelectorAll(".verdict .v-foot .btn")].filter((one) => one.offsetParent);
  return {
    px: parseFloat(style.fontSize),
    lines: Math.round(word.getBoundingClientRect().height / parseFloat(style.lineHeight)),
    spill: Math.max(document.documentElement.scrollWidth - innerWidth, word.scrollWidth - word.clientWidth),
    low: Math.min(...buttons.map((one) => one.getBoundingClientRect().height)),
    bottom: Math.max(...buttons.map((one) => one.getBoundingClientRect().bottom)),
    deep: Math.max(document.documentElement.scrollHeight, document.getElementById("stage").scrollHeight),
    focused: document.activeElement.matches("[data-primary], [data-change] button"),
  };
}"""


def code_number(number: int) -> str:
    eleven = f"7K3M9QX{number:04}"
    return eleven + check_symbol(eleven)


@pytest.fixture
def till(live_server: Any, browser: Browser) -> Any:
    """Open the till in a language; returns the page and the place for the server's next answer."""
    opened = []

    def open_till(locale: str) -> tuple[Page, dict[str, Any]]:
        clerk = make_clerk(make_store("T1", name="南京路店"), display_name="王秀兰")
        context = context_of(browser, live_server.url, clerk, locale=locale, reduced_motion="reduce")
        page, reply = context.new_page(), {}
        opened.append(context)

        def answer(route: Route) -> None:
            route.fulfill(status=200, content_type="application/json", body=json.dumps(reply))

        page.route("**/till/api/preview", answer)
        stand_at_till(page, live_server.url)
        return page, reply

    yield open_till
    for context in opened:
        context.close()


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_verdict_is_large_whole_and_dismissed_with_one_key(
    till: Any, shoot: Callable[[Page, str], None], locale: str
) -> None:
    page, reply = till(locale)
    for number, reason in enumerate(Refusal):
        with translation.override(LANGUAGES[locale]):
            view = show(refused(reason), zone="Asia/Shanghai", now=AT)
        reply.update(answer=refused(reason), page=view)
        burst(page, code_number(number))
        expect(page.locator(".verdict h1")).to_have_text(view["word"])
        page.locator(".verdict").dispatch_event("pointerdown")  # a touch keeps it from leaving by itself
        for name, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            look = page.evaluate(LOOK)
            told = f"{reason} {name}: {look}"
            assert look["px"] >= LEAST_PX[locale][name] and look["spill"] <= 0 and look["low"] >= 48, told
            assert look["lines"] <= (1 if locale == "zh-CN" else 2) and look["focused"], told
            assert look["bottom"] <= (height if name != "pda" else max(height, look["deep"])), told
        if reason in PICTURED and locale == "zh-CN":
            shoot(page, f"till-refused-{reason.lower().replace('_', '-')}")
        page.keyboard.press("Escape")
        expect(page.locator(".ready")).to_be_visible()
