"""The template studio in a browser: by keyboard, with one press to mend, kept by itself; and without a script."""

import re

from playwright.sync_api import Browser, expect

from tests.e2e.stack import Stack
from tests.e2e.test_journey import Shoot, log_in

HASTY = "您好，国庆生鲜全网最低满50减10元，10月1日至7日到店可用，点开领取："
MENDED = "{称呼|会员}" + HASTY.replace("全网最低", "特惠") + "{个人券}"


def test_a_text_is_written_mended_kept_and_submitted(browser: Browser, stack: Stack, shoot: Shoot) -> None:
    page = log_in(browser, stack, "marketing")
    page.goto(f"{stack.url}/console/templates/new/")
    page.fill("[name=body]", "没有名称也数")
    expect(page.locator("#text-verdict")).to_contain_text("可以送审")
    page.fill("[name=body]", "")
    page.fill("[name=name]", "国庆生鲜满50减10")
    page.get_by_role("button", name="称呼").press("Enter")
    page.keyboard.type(HASTY)
    page.get_by_role("button", name="个人券").press("Enter")
    expect(page.locator("#text-verdict")).to_contain_text("现在不能送审：1 处要改")
    expect(page.locator("#text-phone .k-cut").first).to_be_attached()
    page.keyboard.press("Control+s")
    expect(page).to_have_url(re.compile(r"/templates/\d+/$"))

    expect(page.locator("#text-found .k-risk")).to_have_text("全网最低")
    shoot(page, "template-risky")
    page.locator("[name=mend]", has_text="特惠").press("Enter")
    expect(page.locator("[name=body]")).to_have_value(MENDED)
    expect(page.locator("#text-verdict")).to_contain_text("可以送审")
    expect(page.locator("#kept")).to_contain_text("已自动保存", timeout=20_000)
    page.reload()
    expect(page.locator("[name=body]")).to_have_value(MENDED)

    page.get_by_label("最长").check()
    expect(page.locator("[data-who=long]")).to_be_visible()
    expect(page.locator("[data-who=typical]")).to_be_hidden()
    page.locator("[name=body]").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-state]")).to_have_text("待审")
    expect(page.locator("[name=body]")).to_be_disabled()


def test_two_who_edit_the_same_text_do_not_overwrite_each_other(browser: Browser, stack: Stack) -> None:
    first, second = (log_in(browser, stack, "marketing") for _ in range(2))
    first.goto(f"{stack.url}/console/templates/new/")
    first.fill("[name=name]", "两人同改")
    first.fill("[name=body]", "满50减10")
    first.get_by_role("button", name="保存草稿").click()
    expect(first).to_have_url(re.compile(r"/templates/\d+/$"))
    second.goto(first.url)

    first.fill("[name=body]", "满60减10")
    first.locator("[name=name]").focus()
    expect(first.locator("#kept")).to_contain_text("已自动保存")
    second.fill("[name=body]", "满70减10")
    second.locator("[name=name]").focus()

    expect(second.locator("#kept")).to_contain_text("刚改过")
    first.reload()
    expect(first.locator("[name=body]")).to_have_value("满60减10")


def test_the_studio_works_without_a_script(browser: Browser, stack: Stack) -> None:
    known = log_in(browser, stack, "marketing").context.storage_state()
    context = browser.new_context(locale="zh-CN", java_script_enabled=False, storage_state=known)
    page = context.new_page()
    page.goto(f"{stack.url}/console/templates/new/")
    page.fill("[name=name]", "没有脚本")
    page.fill("[name=body]", "{称呼|会员}，全网最低满50减10元")
    page.get_by_role("button", name="重算").click()
    expect(page.locator("#text-verdict")).to_contain_text("现在不能送审：1 处要改")
    page.locator("[name=mend]", has_text="特惠").click()
    expect(page.locator("[name=body]")).to_have_value("{称呼|会员}，特惠满50减10元")
    page.get_by_role("button", name="送审").click()
    expect(page.locator("[data-state]")).to_have_text("待审")
    context.close()
