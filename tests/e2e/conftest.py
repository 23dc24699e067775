"""A stack and a browser for all tests of this folder."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e import breaches
from tests.e2e.stack import PROJECT, Stack
from tests.embedded_plugin import temporary_folder

expect.set_options(timeout=15_000)  # two processes share the machine with two browsers and two databases
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole stack, started once."""
    folder = temporary_folder("e2e")
    running = Stack(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("Chromium is required here and is not installed.")
        pytest.skip("Chromium is not installed; install it to run the browser tests.")
    # Playwright keeps a loop in this thread; the rows of a test are still written one after the other.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def no_breach() -> Iterator[None]:
    """No page of a test breaks its content policy."""
    breaches.seen.clear()
    yield
    assert breaches.seen == []


@pytest.fixture
def shoot(tmp_path: Path) -> Callable[[Page, str], None]:
    """Take a picture of a page at both widths; into docs/pictures when PICTURES=1."""
    folder = PROJECT / "docs" / "pictures" if os.environ.get("PICTURES") == "1" else tmp_path

    def take(page: Page, name: str) -> None:
        for width, height in ((1280, 900), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_load_state("networkidle" if "/console/campaigns/" not in page.url else "load")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} scrolls sideways at {width}"
            page.screenshot(path=folder / f"{name}-{width}.png")
        page.set_viewport_size({"width": 1280, "height": 900})

    return take
