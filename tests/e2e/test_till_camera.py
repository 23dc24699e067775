"""The camera at the till, fed with real QR pictures. This Chromium has no BarcodeDetector, so zxing reads them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from coupons.models import Coupon, Redemption, RedemptionAttempt
from coupons.services.qr import draw_qr
from tests.coupons.tills import LONG, make_clerk, make_coupon
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.e2e.tills import PC, PHONE, burst, context_of, payload_of, stand_at_till, write_video
from tests.factories import make_terms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.usefixtures("committed")]

FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
Open = Callable[..., AbstractContextManager[Page]]
OTHER_CODE = "https://pay.example/once/7"

SEES_ON = """() => new Promise((done) => {
  const video = document.querySelector("#cam video"), from = video.currentTime;
  video.addEventListener("timeupdate", () => { if (video.currentTime > from + 1) done(); });
})"""


@pytest.fixture
def till(live_server: Any, browser: Browser, tmp_path: Path) -> Open:
    """Open a phone at the till whose camera sees some texts in turn; no texts, no camera."""

    @contextmanager
    def open_till(texts: list[str], *, script: str = "", **options: Any) -> Iterator[Page]:
        video = write_video(tmp_path / "camera.y4m", texts)
        camera = [*FAKE_CAMERA, f"--use-file-for-fake-video-capture={video}"] if texts else []
        chromium = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera])
        try:
            look = {"has_touch": True, "viewport": PHONE} | options
            page = context_of(chromium, live_server.url, make_clerk(), **look).new_page()
            page.add_init_script(script) if script else None
            stand_at_till(page, live_server.url)
            yield page
        finally:
            chromium.close()

    return open_till


def cash_coupon(**facts: Any) -> Coupon:
    """A coupon that is redeemed without a question."""
    return make_coupon(make_terms(**LONG | {"min_spend_fen": 0}, requires_amount=False), **facts)


def questions(page: Page) -> list[str]:
    """The addresses of everything the page asks from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def test_a_coupon_before_the_camera_is_redeemed_once_and_nobody_outside_is_asked(
    till: Open, live_server: Any, shoot: Callable[[Page, str], None]
) -> None:
    coupon = cash_coupon()
    with till([OTHER_CODE]) as page:
        expect(page.get_by_text("这是别的码，不是券")).to_be_visible()
        shoot(page, "till-camera")
    assert not RedemptionAttempt.objects.exists()

    with till([payload_of(coupon.code)]) as page:
        asked = questions(page)
        page.reload()
        expect(page.locator(".verdict--ok")).to_be_visible()
        expect(page.locator(".ready")).to_be_visible()  # the verdict left by itself; the coupon is still in sight
        expect(page.locator("#cam video")).to_be_visible()
        page.evaluate(SEES_ON)

    assert [Redemption.objects.get().input_channel, len([url for url in asked if url.endswith("/preview")])] == [
        "CAMERA",
        1,
    ]
    assert [url for url in asked if not url.startswith((live_server.url, "blob:"))] == []
    assert any(url.endswith("zxing_reader.wasm") for url in asked)


def test_another_coupon_before_the_camera_asks_before_it_takes_the_place(till: Open) -> None:
    first, second = (make_coupon(make_terms(**LONG), member_id=number) for number in (1, 2))
    with till([payload_of(first.code), payload_of(second.code)]) as page:
        expect(page.locator("#look")).to_be_visible()
        shown = page.evaluate("document.querySelector('#look [data-slot=name]').textContent")
        expect(page.get_by_role("dialog")).to_contain_text("换成这一张？")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

        expect(page.locator("#look")).to_be_visible()
        assert page.locator("#look [data-slot=name]").inner_text() == shown


NATIVE = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return [{ rawValue: "%s" }]; }
};
"""


def test_the_browsers_own_detector_is_used_where_there_is_one(till: Open) -> None:
    coupon = cash_coupon()
    with till([OTHER_CODE], script=NATIVE % payload_of(coupon.code)) as page:
        asked = questions(page)
        expect(page.locator(".verdict--ok")).to_be_visible()

    assert not any("zxing" in url for url in asked)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("", "这台设备没有镜头"),
        ("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });", "https"),
        (
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));",
            "没有允许使用镜头",
        ),
        (
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError'));",
            "镜头没有反应",
        ),
    ],
)
def test_without_a_camera_the_page_says_why_and_the_gun_still_works(till: Open, script: str, words: str) -> None:
    coupon = cash_coupon()
    with till([], script=script) as page:
        expect(page.locator("#cam-trouble")).to_contain_text(words)
        burst(page, payload_of(coupon.code))
        expect(page.locator(".verdict--ok")).to_be_visible()


def test_a_photo_is_read_where_the_address_forbids_the_live_camera(till: Open, tmp_path: Path) -> None:
    coupon = cash_coupon()
    drawing = draw_qr(code=coupon.code)
    with till([], script="Object.defineProperty(navigator, 'mediaDevices', { value: undefined });") as page:
        phone = page.context.new_page()
        phone.set_content(
            f'<svg width=261 viewBox="0 0 {drawing.side} {drawing.side}"><path d="{drawing.path}"/></svg>'
        )
        phone.screenshot(path=tmp_path / "photo.png")
        phone.close()
        page.set_input_files("#cam-photo input", tmp_path / "photo.png")
        expect(page.locator(".verdict--ok")).to_be_visible()


def test_a_pc_asks_for_the_camera_only_when_somebody_wants_it(till: Open) -> None:
    coupon = cash_coupon()
    with till([payload_of(coupon.code)], has_touch=False, viewport=PC) as page:
        expect(page.locator("#cam")).to_be_hidden()
        page.click("#cam-open")
        expect(page.locator(".verdict--ok")).to_be_visible()
        page.reload()
        expect(page.locator("#cam")).to_be_visible()
        page.click("[data-cam=close]")
        expect(page.locator("#cam")).to_be_hidden()
