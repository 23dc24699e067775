"""A till in a real browser before a live server: clerks who are logged in, coupons, pictures for the camera."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from coupons.rules.code import qr_payload
from foundation.models import Operator
from tests.e2e import breaches

PHONE = {"width": 390, "height": 844}
PC = {"width": 1280, "height": 900}
WIDTH, HEIGHT, MODULE = 640, 480, 10


def context_of(browser: Browser, url: str, operator: Operator | None, **options: Any) -> BrowserContext:
    """A browser of somebody who is logged in; Chinese and the size of a PC unless `options` say otherwise."""
    context = browser.new_context(**({"locale": "zh-CN", "viewport": PC} | options))
    context.set_default_timeout(15_000)
    context.on("console", breaches.note)
    if operator is not None:
        client = Client()
        client.force_login(operator)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
    return context


def stand_at_till(page: Page, url: str) -> None:
    """Open the till and begin the shift if it has not begun."""
    page.goto(f"{url}/till/")
    if page.locator("#entry").count() == 0:
        page.locator("form[action$='/shift/open'] [data-primary]").click()
    page.locator("#entry").wait_for()
    page.wait_for_load_state()  # until its script listens


BURST = """async ([text, end, gap, ime]) => {
  const press = (key) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  for (const key of text) {
    const isFree = press(ime ? "Process" : key);
    if (isFree) document.execCommand("insertText", false, key);
    if (gap) await new Promise((done) => { setTimeout(done, gap); });
  }
  const focused = document.activeElement;
  if (end && press(end)) {
    if (end === "Enter") focused.form ? focused.form.requestSubmit() : focused.click();
    return "reached the page";
  }
  return end ? "swallowed" : "";
}"""


def burst(page: Page, text: str, *, end: str = "Enter", gap_ms: int = 0, ime: bool = False) -> str:
    """
    What a scan gun types, at once unless a gap is given: a busy machine would stretch the gaps.

    Returns what became of the key at the end. `ime` makes the keys those of an input method.
    """
    return str(page.evaluate(BURST, [text, end, gap_ms, ime]))


def write_video(path: Path, codes: Iterable[str], *, frames_each: int = 20) -> Path:
    """A Y4M video for Chromium's pretended camera: the QR of each code in turn, as a phone would show it."""
    with path.open("wb") as video:
        video.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for code in codes:
            frame = b"FRAME\n" + _luma(code) + bytes([128]) * (WIDTH * HEIGHT // 2)
            for _number in range(frames_each):
                video.write(frame)
    return path


def _luma(payload: str) -> bytes:
    qr: QRCode = QRCode(error_correction=ERROR_CORRECT_M, border=4)
    qr.add_data(payload)
    matrix = qr.get_matrix()
    side = len(matrix) * MODULE
    left, top = (WIDTH - side) // 2, (HEIGHT - side) // 2
    rows = [bytearray([90]) * WIDTH for _row in range(HEIGHT)]
    for y, modules in enumerate(matrix):
        line = b"".join(bytes([16 if is_dark else 235]) * MODULE for is_dark in modules)
        for step in range(MODULE):
            rows[top + y * MODULE + step][left : left + side] = line
    return b"".join(bytes(row) for row in rows)


def payload_of(code: str) -> str:
    """What the QR on a coupon page says."""
    return qr_payload(code)
