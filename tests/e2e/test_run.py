"""A run on its way in a real browser: paused by key, seen to go on, stopped with a reason; and without a script."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from campaigns.models import Run, RunState
from campaigns.services import freeze, runs
from console import permissions
from foundation import clock
from tests.e2e.tills import context_of
from tests.factories import make_campaign, make_channel, make_member, make_operator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.usefixtures("committed")]


@pytest.fixture(autouse=True)
def noon(settings: Any) -> None:
    """Noon in Shanghai, when messages may leave; here nobody sends them."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    settings.CLOCK_OFFSET_SECONDS = int((now.replace(hour=12) - now).total_seconds())


@pytest.fixture
def run() -> Run:
    """A run of three people that is sending."""
    permissions.sync()
    make_channel(vendor="simulator")
    for number in range(3):
        make_member(number)
    now = clock.now()
    campaign = make_campaign(name="周末满减", now=now - timedelta(minutes=1), scheduled_at=now)
    runs.fire_due(now=now)
    freeze.freeze_open(now=now)
    return campaign.runs.get()


def test_pause_by_key_go_on_and_stop_with_a_reason(browser: Browser, live_server: Any, run: Run) -> None:
    approver = make_operator(is_staff=True, is_superuser=True)
    page = context_of(browser, live_server.url, approver).new_page()
    page.goto(f"{live_server.url}/console/campaigns/{run.campaign_id}/")
    expect(page.locator("#pause")).to_be_visible()  # the theme hides the page until its scripts run
    expect(page.locator("#run h2")).to_contain_text("正在发，0%")
    expect(page.locator("#run-side")).to_contain_text("还没发的 3 人不再发")

    question = page.locator("#sure-pause")
    page.keyboard.press("p")
    expect(question).to_be_visible()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert Run.objects.get().state == RunState.SENDING
    page.keyboard.press("p")
    expect(question).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#run h2")).to_contain_text("已暂停，还有 3 人没发")

    runs.resume(run_id=run.pk, by=approver, now=clock.now())
    expect(page.locator("#pause")).to_be_visible()  # the page found out by itself
    page.get_by_text("停止发送").first.click()
    page.get_by_role("button", name="确认停止").click()
    assert Run.objects.get().state == RunState.SENDING  # the browser asks for the reason
    page.get_by_label("原因").fill("价格写错了")
    page.keyboard.press("Enter")
    expect(page.locator("#run h2")).to_contain_text("已停止")
    expect(page.locator("#run-side")).to_contain_text("价格写错了")


def test_without_a_script_every_number_and_button_is_there(browser: Browser, live_server: Any, run: Run) -> None:
    operator = make_operator(is_staff=True, is_superuser=True)
    page = context_of(browser, live_server.url, operator, java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/console/campaigns/{run.campaign_id}/")
    assert "3" in page.locator("#run-where tfoot").inner_text()

    page.locator("#pause button").click()
    assert "已暂停" in page.locator("#run h2").inner_text()
