"""Lists as files in a browser, by keyboard: a list in, and the filtered list out again."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from python_calamine import CalamineWorkbook

from tests.e2e.stack import Stack
from tests.e2e.test_journey import Shoot, log_in

STORES = "门店编码,门店名称,城市,备注\nFX01,观前街店,苏州,甲\nFX02,湖滨店,杭州,乙\n"


def look_at(page: Page, path: Path) -> None:
    page.set_input_files("[name=file]", path)
    page.locator("form .k-btn--main").press("Enter")
    expect(page.locator(".k-verdict h2")).to_be_visible()


def test_a_list_is_mended_seen_written_and_taken_out_again(
    browser: Browser, stack: Stack, shoot: Shoot, tmp_path: Path
) -> None:
    page = log_in(browser, stack, "it")
    page.goto(f"{stack.url}/console/members/store/")
    page.locator(".k-files a", has_text="导入").press("Enter")
    file = tmp_path / "stores.csv"
    file.write_bytes(STORES.replace("湖滨店", "").encode("gb18030"))
    look_at(page, file)
    expect(page.locator("td.k-bad")).to_have_count(1)
    shoot(page, "list-import-refused")

    file.write_bytes(STORES.encode("gb18030"))
    look_at(page, file)
    expect(page.locator("tbody .k-tag--ok")).to_have_count(2)
    shoot(page, "list-import-seen")
    page.keyboard.press("Enter")  # the button has the focus

    page.wait_for_url("**/members/store/")
    page.goto(f"{stack.url}/console/members/store/?q=FX0")
    page.locator(".k-files a", has_text="导出").press("Enter")
    shoot(page, "export-new")
    page.fill("[name=reason]", "核对苏杭新店")
    page.locator("[name=reason]").press("Enter")
    ready = page.locator("a[download]").first
    expect(ready).to_be_visible(timeout=60_000)  # the page asks by itself
    shoot(page, "exports")
    assert rows_of(page, tmp_path / "file.xlsx") == [
        ["门店编码", "门店名称", "城市", "时区", "营业"],
        ["FX01", "观前街店", "苏州", "Asia/Shanghai", "是"],
        ["FX02", "湖滨店", "杭州", "Asia/Shanghai", "是"],
    ]


def rows_of(page: Page, path: Path) -> list[list[object]]:
    with page.expect_download() as awaited:
        page.locator("a[download]").first.press("Enter")
    assert awaited.value.suggested_filename.startswith("门店-")
    awaited.value.save_as(path)
    with CalamineWorkbook.from_path(path) as book:
        return book.get_sheet_by_index(0).to_python()
