"""The import wizard in a browser: a messy file, columns by hand, dropped instead of chosen, undone by two people."""

import time
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.stack import Stack
from tests.e2e.test_journey import Shoot, log_in

HEADER = "手机号码,卡号,客户姓名,sex,是否接收短信,老号,备注2"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/csv" }));
  document.querySelector("[data-drop]").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
}"""


def messy() -> str:
    rows = [f"1990777{n:04},WZ{n:04},张三丰,女,{'是' if n % 3 else ''},A{n},老系统" for n in range(40)]
    wrong = ["138001380,WZ9001,孙某,男,是,,", ",WZ9002,孙某,男,是,,", "19907770001,WZ9003,孙某,X,是,,"]
    return "\n".join([HEADER, *rows, *wrong, ""])


def test_a_messy_file_is_dropped_tried_written_and_undone(browser: Browser, stack: Stack, shoot: Shoot) -> None:
    page = log_in(browser, stack, "marketing")
    page.goto(f"{stack.url}/console/imports/")
    page.evaluate(DROP, ["会员九月.csv", messy()])
    expect(page.locator("[data-chosen]")).to_contain_text("会员九月.csv")
    page.locator("form .k-btn--main").press("Enter")

    expect(page.locator(".k-note--warn")).to_contain_text("备注2")
    page.get_by_label("卡号", exact=True).select_option("")
    page.get_by_label("老号", exact=True).select_option("card_no")
    page.locator("form .k-btn--main").press("Enter")

    expect(page.locator(".k-verdict h2").first).to_contain_text("40", timeout=30_000)
    shoot(page, "import-tried")
    page.locator("form[action$='/write/'] button").press("Enter")
    expect(page.locator(".k-light--ok")).to_be_visible(timeout=30_000)
    page.fill("[name=reason]", "传错了文件")
    page.locator("form[action$='/undo/'] button").press("Enter")
    undo_by_a_colleague(log_in(browser, stack, "approver"), stack, shoot)


def undo_by_a_colleague(page: Page, stack: Stack, shoot: Shoot) -> None:
    page.goto(f"{stack.url}/console/waiting/")
    page.locator(".k-todo", has_text="会员九月.csv").locator("a").click()
    page.click("form[action$='/undo/confirm/'] button")
    expect(page.locator(".k-card--accent .k-figs b").first).to_contain_text("40", timeout=30_000)
    shoot(page, "import-undone")


def late(route: Route) -> None:
    """A script on a slow line."""
    time.sleep(0.4)
    route.continue_()


def test_a_locked_workbook_says_what_to_do(browser: Browser, stack: Stack, shoot: Shoot, tmp_path: Path) -> None:
    path = tmp_path / "会员9月.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    page = log_in(browser, stack, "marketing")
    page.goto(f"{stack.url}/console/imports/")
    page.route("**/alpine*.js", late)  # until it runs the theme shows nothing, and what is not shown gets no focus
    page.set_input_files("[name=file]", path)
    page.click("form .k-btn--main")

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("没有写入任何数据")
    expect(alert).to_be_focused()
    shoot(page, "import-refused")
