"""The doors in a real browser, with the second factor on: one-time password, tying, code, recovery code, languages."""

import re
import time
from base64 import b32decode
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django_otp.oath import totp
from playwright.sync_api import Browser, Page, expect

from console import permissions
from foundation import clock
from foundation.models import Authenticator, Operator
from foundation.services.access import give_one_time_password
from tests.e2e.tills import context_of
from tests.e2e.tour import faults_of, graves
from tests.factories import make_operator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.usefixtures("committed")]

OWN = "my-own-word-77"
Shoot = Callable[[Page, str], None]


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    """As an installation with real members has it."""
    settings.SECOND_FACTOR = True


@pytest.fixture
def officer() -> Operator:
    """A new colleague in marketing, with nothing yet."""
    permissions.sync()
    operator = make_operator("liwen", display_name="李雯", is_staff=True)
    operator.groups.add(Group.objects.get(name="marketing"))
    return operator


def log_in(page: Page, url: str, password: str) -> None:
    page.goto(f"{url}/console/login/")
    page.fill("[name=username]", "liwen")
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")


def shown_on_phone(secret: str) -> str:
    """What an authenticator shows that was given the secret by hand; never the same code twice in a row."""
    if time.time() % 30 > 27:
        time.sleep(3.1)
    key = b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    return f"{totp(key):06d}"


def enter(page: Page, code: str) -> None:
    page.fill("#code", code)
    page.keyboard.press("Enter")


def looks_right(page: Page, shoot: Shoot, name: str) -> None:
    assert faults_of(page, shoot, name) == []


def test_a_new_colleague_comes_in_and_comes_again(
    browser: Browser, live_server: Any, shoot: Shoot, officer: Operator
) -> None:
    password = give_one_time_password(operator_id=officer.pk, by=make_operator("it"), now=clock.now())
    page = context_of(browser, live_server.url, None).new_page()
    page.goto(f"{live_server.url}/console/login/")
    looks_right(page, shoot, "login")
    log_in(page, live_server.url, password)
    expect(page.get_by_role("heading", name="设置新密码")).to_be_visible()
    looks_right(page, shoot, "login-own-password")
    page.fill("[name=old_password]", password)
    for name in ("new_password1", "new_password2"):
        page.fill(f"[name={name}]", OWN)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="绑定手机")).to_be_visible()
    looks_right(page, shoot, "second-factor")
    page.get_by_text("无法扫码？").click()
    secret = page.locator("#secret").inner_text()
    enter(page, shown_on_phone(secret))

    expect(page.get_by_role("heading", name="备用码")).to_be_visible()
    looks_right(page, shoot, "recovery-codes")
    codes = page.locator(".k-papers li").all_inner_texts()
    assert len(codes) == 10 and all(re.fullmatch("[a-z0-9]{4}-[a-z0-9]{4}", code) for code in codes)
    expect(page.get_by_role("button", name="打印")).to_be_visible()
    page.get_by_role("link", name="我已抄下或打印").click()
    expect(page.get_by_role("heading", name="等我处理")).to_be_visible()

    Authenticator.objects.update(last_t=-1)  # half a minute later
    again = context_of(browser, live_server.url, None).new_page()
    log_in(again, live_server.url, OWN)
    expect(again.get_by_label("手机上的 6 位验证码")).to_be_focused()
    looks_right(again, shoot, "login-code")
    enter(again, shown_on_phone(secret))
    expect(again.get_by_role("heading", name="等我处理")).to_be_visible()

    third = context_of(browser, live_server.url, None).new_page()
    log_in(third, live_server.url, OWN)
    enter(third, "aaaa-aaaa")
    expect(third.get_by_role("alert")).to_contain_text("验证码不对")
    time.sleep(1.1)
    enter(third, codes[0])
    expect(third.get_by_role("heading", name="等我处理")).to_be_visible()


def test_both_doors_change_their_language_without_a_script(browser: Browser, live_server: Any, shoot: Shoot) -> None:
    page = context_of(browser, live_server.url, None, java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/till/login/")
    expect(page.get_by_role("button", name="上班，开始核销")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Start redeeming")).to_be_visible()

    page = context_of(browser, live_server.url, None).new_page()
    page.goto(f"{live_server.url}/till/login/")
    shoot(page, "till-login")
    assert graves(page) == []
    page.goto(f"{live_server.url}/console/login/")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    shoot(page, "login-english")


def test_five_wrong_passwords_say_for_how_long(
    browser: Browser, live_server: Any, shoot: Shoot, officer: Operator
) -> None:
    page = context_of(browser, live_server.url, None).new_page()
    page.goto(f"{live_server.url}/console/login/")
    for _time in range(5):
        page.fill("[name=username]", "liwen")
        page.fill("[name=password]", "wrong-wrong-1")
        with page.expect_navigation():
            page.keyboard.press("Enter")

    expect(page.get_by_text("密码输错次数太多，请 15 分钟后再试，或请 IT 解锁。")).to_be_visible()
    shoot(page, "login-locked")
