"""The segment builder in a browser: by keyboard with a live count, and without any script."""

import csv
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import breaches
from tests.e2e.stack import Stack
from tests.e2e.test_journey import Shoot, import_file, log_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NEW = "/console/segments/new/"
# Two sleep in Hangzhou, and one of them bought fruit; one is awake there; one sleeps in Shanghai.
CHAIN = [
    ("SG1", "杭州", 40, "果蔬"),
    ("SG2", "杭州", 50, "酒水"),
    ("SG3", "杭州", 2, "果蔬"),
    ("SG4", "上海", 60, "果蔬"),
]


@pytest.fixture(scope="module")
def chain(browser: Browser, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stores and four members who bought, imported as staff do."""
    folder, now = tmp_path_factory.mktemp("segment"), stack.now()

    def written(name: str, header: str, rows: list[list[str]]) -> Path:
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header.split(","), *rows])
        return path

    page = log_in(browser, stack, "marketing")
    stores = [["SEG-HZ", "西湖试验店", "杭州"], ["SEG-SH", "徐汇试验店", "上海"]]
    stores += [[f"SEG-{number}", f"分店{number}", "苏州"] for number in range(15)]  # too many to tick: searched
    import_file(page, stack, "STORES", written("stores", "store_code,name,city", stores))
    members = [
        [card, f"1990666000{number}", "张三丰", {"杭州": "SEG-HZ", "上海": "SEG-SH"}[city], city]
        for number, (card, city, _days, _category) in enumerate(CHAIN)
    ]
    import_file(page, stack, "MEMBERS", written("members", "card_no,phone,name,home_store,city", members))
    bought = [(now - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S") for _card, _city, days, _category in CHAIN]
    orders = [
        [f"SEG{card}", card, {"杭州": "SEG-HZ", "上海": "SEG-SH"}[city], at, "20.00"]
        for (card, city, _days, _category), at in zip(CHAIN, bought, strict=True)
    ]
    import_file(page, stack, "ORDERS", written("orders", "order_no,card_no,store_code,paid_at,amount", orders))
    lines = [[f"SEG{card}", f"K{card}", category, "1", "20.00"] for card, _city, _days, category in CHAIN]
    import_file(page, stack, "ORDER_LINES", written("lines", "order_no,sku,category,quantity,amount", lines))
    page.context.close()


def said(page: Page) -> int:
    return int(re.sub(r"\D", "", page.locator("#segment-said .k-big").inner_text()))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page, control: str) -> None:
    expect(page.locator(f"#{control}")).to_be_focused()


def pick(page: Page, control: str, label: str) -> None:
    """Choose in the list that has the keyboard, by typing: as a person would, by what the entry is called."""
    focused(page, control)
    chosen = page.locator(f"#{control} option", has_text=re.compile(f"^{label}$")).get_attribute("value")
    options = page.locator(f"#{control} option").evaluate_all("all => all.map(one => one.value)")
    press(page, "Home", *["ArrowDown"] * options.index(chosen))
    expect(page.locator(f"#{control}")).to_have_value(chosen or "")
    if control.endswith("-field"):  # the controls of the field come from the server
        expect(page.locator(f"input[name='{control[:-6].replace('-', '.')}.was']")).to_have_value(chosen or "")


def test_a_segment_is_built_by_keyboard_and_its_count_follows(
    browser: Browser, stack: Stack, chain: None, shoot: Shoot
) -> None:
    page = log_in(browser, stack, "marketing", NEW)
    page.locator("#n-0-value").focus()
    press(page, "Control+a")
    page.keyboard.type("30")
    before = said(page)

    press(page, "Alt+Enter")
    pick(page, "n-1-field", "归属门店")
    press(page, "Tab", "Tab")
    focused(page, "n-1-find")
    page.keyboard.type("杭州 试验")
    expect(page.locator("#n-1-found input")).to_have_count(1)
    focused(page, "n-1-find")
    press(page, "Tab", "Tab")
    expect(page.locator("#n-1-found input")).to_be_focused()
    press(page, "Space")
    expect(page.locator("#left-n-1")).to_contain_text("剩 2 人")

    press(page, "Alt+Enter")
    expect(page.locator("#fault-n-2")).to_contain_text("这条还没填完")
    expect(page.locator("#segment-form")).to_have_class(re.compile("k-is-old"))
    pick(page, "n-2-field", "购买品类")
    press(page, "Tab", "Tab")
    pick(page, "n-2-value", "果蔬")
    expect(page.locator("#left-n-2")).to_contain_text("剩 1 人")
    expect(page.locator("#segment-form")).not_to_have_class(re.compile("k-is-old"))
    assert said(page) == 1 < before
    expect(page.locator(".k-reads")).to_contain_text("最近一次购买超过 30 天，且归属门店在 SEG-HZ，且买过 果蔬")

    page.locator("#n-2-up").focus()
    press(page, "Enter")
    focused(page, "n-1-up")
    expect(page.locator("#left-n-2")).to_contain_text("剩 1 人")
    ask_and_save(page, shoot)


def ask_and_save(page: Page, shoot: Shoot) -> None:
    page.locator("#segment-person").focus()
    page.keyboard.type("SG4")
    press(page, "Enter")
    why = page.locator("#segment-why")
    expect(why).to_contain_text("归属门店：徐汇试验店")
    expect(why.locator(".k-bad")).to_have_count(1)
    assert "SG4" not in page.url
    shoot(page, "segment-why")
    page.fill("[name=name]", f"沉睡的杭州果蔬客 {page.evaluate('Date.now()')}")
    page.locator("[name=save]").press("Enter")
    expect(page.get_by_role("link", name="用它建活动")).to_be_visible()
    assert said(page) == 1


def test_the_same_segment_is_built_without_a_script(browser: Browser, stack: Stack, chain: None) -> None:
    state = log_in(browser, stack, "marketing").context.storage_state()
    page = browser.new_context(locale="zh-CN", java_script_enabled=False, storage_state=state).new_page()
    page.set_default_timeout(20_000)
    page.context.on("console", breaches.note)
    page.goto(stack.url + NEW)

    page.click("button[value=add]")
    page.locator("#n-1-field").select_option("home_store")
    page.click("[name=count]")
    page.locator("#n-1-find").fill("杭州 试验")
    page.click("button[value=find]")
    page.get_by_label("西湖试验店").check()
    page.click("button[value=add]")
    page.locator("#n-2-field").select_option("category")
    page.click("[name=count]")
    expect(page.locator("#fault-n-2")).to_contain_text("这条还没填完")
    page.locator("#n-2-value").select_option("果蔬")
    page.click("[name=count]")

    assert [page.locator(f"#left-n-{place}").inner_text() for place in (1, 2)] == ["剩 2 人", "剩 1 人"]
    assert said(page) == 1
    page.fill("[name=person]", "SG4")
    page.click("[name=why]")
    expect(page.locator("#segment-why")).to_contain_text("归属门店：徐汇试验店")
    assert "SG4" not in page.url
