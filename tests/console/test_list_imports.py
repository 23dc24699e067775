"""Short lists from files: every change is seen before it is written, all rows or none, by whoever looked."""

import io
import os
import re
import stat
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tablib import Dataset

from console import permissions
from console.list_imports import reading
from console.list_imports.catalogue import list_of
from console.list_imports.members import MemberResource
from console.list_imports.resources import StoreResource
from console.workplaces import list_imports
from coupons.models import Shift
from coupons.services.shifts import open_shift
from delivery.models import CalendarDay
from foundation import clock
from foundation.errors import DomainError
from foundation.models import AuditEntry, Operator
from foundation.services import uploads
from foundation.services.phones import seal
from members.models import ImportFile, Member, Store, StoreScope, Suppression
from members.services.suppression import suppress
from templates_sms.models import SensitiveWord
from tests.console.test_watch import client_of
from tests.factories import NOON, make_operator, make_store, mobile

pytestmark = pytest.mark.django_db
STORES = "门店编码,门店名称,城市,时区,营业\n"
PATHS = {
    "members/store": "it", "foundation/operator": "it", "templates_sms/sensitiveword": "marketing",
    "members/suppression": "marketing", "delivery/calendarday": "approver",
}  # fmt: skip


@pytest.fixture(autouse=True)
def roles(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    settings.UPLOAD_DIR, settings.IMPORT_DIR = tmp_path / "uploads", tmp_path / "imports"


def bring(client: Client, path: str, content: str | bytes, name: str = "a.csv") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return client.post(f"/console/{path}/import/", {"file": SimpleUploadedFile(name, raw)})


def token_of(answer: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', answer.content.decode())
    return found[1] if found else ""


def confirm(client: Client, path: str, answer: Any) -> Any:
    return client.post(f"/console/{path}/import/", {"token": token_of(answer)}, follow=True)


def written(client: Client, path: str, content: str | bytes, name: str = "a.csv") -> str:
    answer = confirm(client, path, bring(client, path, content, name))
    return answer.content.decode()


def faults(answer: Any) -> list[tuple[str, str]]:
    text = re.sub(r"\s+", " ", answer.content.decode())
    return re.findall(r'<td class="r">([\d,]+)</td><td class="k-bad">([^<]+)</td>', text)


def left_over() -> list[str]:
    folder = Path(reading.settings.UPLOAD_DIR)
    return [one.name for one in folder.iterdir()] if folder.is_dir() else []


def test_stores_are_seen_as_changes_and_written_when_confirmed() -> None:
    make_store("S1", name="旧名", city="上海"), make_store("S2", name="二店")
    client = client_of("it")
    answer = bring(client, "members/store", STORES + "S1,新名,上海,,是\nS2,二店,,Asia/Shanghai,\nS3,三店,杭州,,\n")
    shown = re.sub(r"\s+", " ", answer.content.decode())

    assert "新增 1 行，修改 1 行，不变 1 行" in shown
    assert "旧名" in shown and "新名" in shown and Store.objects.count() == 2
    confirm(client, "members/store", answer)

    assert list(Store.objects.order_by("code").values_list("code", "name", "city", "is_active")) == [
        ("S1", "新名", "上海", True), ("S2", "二店", "", True), ("S3", "三店", "杭州", True),
    ]  # fmt: skip
    entry = AuditEntry.objects.get(action="list.imported")
    assert (entry.subject, entry.detail["new"], entry.detail["changed"]) == ("members.store", 1, 1)
    assert entry.actor is not None and entry.actor.username == "it" and left_over() == []


def workbook(rows: list[list[Any]]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(number, place, datetime(value.year, value.month, value.day), day)
            else:
                sheet.write(number, place, value)
    book.close()
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "xlsx"])
def test_every_encoding_and_a_workbook_are_read_whatever_the_file_is_called(encoding: str) -> None:
    rows = [["日期", "类型", "名称", "已确认"], [date(2031, 10, 1), "法定节假日", "国庆节", "是"]]
    kind = CalendarDay(kind="HOLIDAY").get_kind_display()
    rows[1][1] = kind
    text = "\n".join(",".join(str(cell) for cell in row) for row in rows)
    content = workbook(rows) if encoding == "xlsx" else text.encode(encoding)

    written(client_of("approver"), "delivery/calendarday", content, "misleading.pdf")

    found = CalendarDay.objects.get(day=date(2031, 10, 1))
    assert (found.kind, found.name, found.is_confirmed) == ("HOLIDAY", "国庆节", True)
    assert AuditEntry.objects.filter(action="calendarday.added").count() == 1


def test_rows_that_are_wrong_are_named_and_nothing_is_written() -> None:
    content = STORES + "S1,一店,,,\n\nS2,二店,,Mars/Base,\nS1,又一店,,,\n,无编码,,,\nS5,,,,\nS6,六店,,,也许\n"
    answer = bring(client_of("it"), "members/store", content)

    assert answer.status_code == 400 and token_of(answer) == ""
    assert [number for number, _words in faults(answer)] == ["4", "5", "6", "7", "8"]
    assert "2" in faults(answer)[1][1] and not Store.objects.exists() and left_over() == []


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.csv"), (b"%PDF-1.7 \x00\x01", "a.csv"), (b"PK\x03\x04nonsense", "a.xlsx"),
        (b"\xd0\xcf\x11\xe0", "a.xls"),
        ("城市\n上海\n".encode(), "a.csv"), ("门店编码,code\nS1,S1\n".encode(), "a.csv"), (STORES.encode(), "a.csv"),
        ('门店编码,门店名称\n"S1,x'.encode() + b"y" * 300_000, "a.csv"),
    ],
)  # fmt: skip
def test_a_file_that_can_not_be_read_says_so(content: bytes, name: str) -> None:
    answer = bring(client_of("it"), "members/store", content, name)

    assert answer.status_code == 400 and 'role="alert"' in answer.content.decode()
    assert not Store.objects.exists() and left_over() == []


def test_too_many_rows_too_many_bytes_and_a_bomb_are_refused(monkeypatch: Any, settings: Any) -> None:
    client = client_of("it")
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    assert bring(client, "members/store", STORES + "A,a,,,\nB,b,,,\nC,c,,,\n").status_code == 400
    monkeypatch.setattr(reading, "LARGEST_UNPACKED", 1_000)
    assert bring(client, "members/store", workbook([["门店编码", "门店名称"], ["A", "a" * 5_000]])).status_code == 400
    settings.MAX_UPLOAD_MB = 0
    assert bring(client, "members/store", STORES + "A,a,,,\n").status_code == 400
    assert not Store.objects.exists() and left_over() == []


def test_the_same_file_again_has_nothing_to_do() -> None:
    client = client_of("it")
    written(client, "members/store", STORES + "S1,一店,,,\n")

    answer = bring(client, "members/store", STORES + "S1,一店,,,\n")
    assert answer.status_code == 200 and token_of(answer) == "" and left_over() == []


def test_nobody_confirms_what_somebody_else_has_seen_or_another_file() -> None:
    client, path = client_of("it"), "members/store"
    answer = bring(client, path, STORES + "S1,一店,,,\n")
    other = Client()
    make_operator("it2", is_staff=True, is_superuser=True)
    other.force_login(Operator.objects.get(username="it2"))
    for asked, token in (
        (other, token_of(answer)),
        (client, token_of(answer)[:-3] + "abc"),
        (client, ""),
        (client, "nonsense"),
    ):
        asked.post(f"/console/{path}/import/", {"token": token})
        assert not Store.objects.exists()
    file = uploads.path_of(left_over()[0])
    file.write_text(STORES + "S9,换掉的店,,,\n", encoding="utf-8")

    confirm(client, path, answer)

    assert not Store.objects.exists() and not AuditEntry.objects.filter(action="list.imported").exists()


def test_a_look_that_is_no_longer_true_or_too_old_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    client, path = client_of("it"), "members/store"
    answer = bring(client, path, STORES + "S1,一店,,,\n")
    make_store("S1", name="别人建的")
    assert "变化" in confirm(client, path, answer).content.decode()
    assert Store.objects.get().name == "别人建的"
    answer = bring(client, path, STORES + "S1,一店,,,\n")
    monkeypatch.setattr("console.workplaces.list_imports.TOKEN_SECONDS", -1)
    confirm(client, path, answer)
    assert Store.objects.get().name == "别人建的"


def test_a_second_press_writes_nothing_more() -> None:
    client, path = client_of("it"), "members/store"
    answer = bring(client, path, STORES + "S1,一店,,,\n")
    confirm(client, path, answer), confirm(client, path, answer)

    assert AuditEntry.objects.filter(action="list.imported").count() == 1


def test_an_exported_list_comes_back_unchanged() -> None:
    make_store("S1", name="=1+1"), make_store("S2", is_active=False)
    client = client_of("it")
    shown = [["门店编码", "门店名称", "城市", "时区", "营业"], ["S1", "'=1+1", "", "Asia/Shanghai", "是"]]
    heads = client.get("/console/members/store/import/pattern.csv").content.decode("utf-8-sig").strip().split(",")
    assert heads == shown[0]

    answer = bring(
        client, "members/store", "\n".join(",".join(row) for row in [*shown, ["S2", "门店S2", "", "", "否"]])
    )
    assert token_of(answer) == "" and answer.status_code == 200


def test_a_store_that_closes_ends_the_work_in_it() -> None:
    store, clerk = make_store("S1"), make_operator("clerk1")
    StoreScope.objects.create(store=store, operator=clerk)
    open_shift(store=store, device_id="till-1", by=clerk, now=NOON)
    client = client_of("it")

    answer = bring(client, "members/store", "门店编码,门店名称,营业\nS1,门店S1,否\n")
    assert not AuditEntry.objects.filter(action="operator.stopped").exists()
    confirm(client, "members/store", answer)

    assert AuditEntry.objects.filter(action="operator.stopped").count() == 1
    assert Shift.objects.get().closed_at == NOON


CLERKS = "登录名,姓名,门店编码\n"


def test_clerks_come_without_a_password_with_their_stores() -> None:
    make_store("S1"), make_store("S2")
    client = client_of("it")

    written(client, "foundation/operator", CLERKS + "wang01,王秀兰,S1；S2\n")

    clerk = Operator.objects.get(username="wang01")
    assert not clerk.has_usable_password() and not clerk.is_staff and clerk.display_name == "王秀兰"
    assert list(clerk.groups.values_list("name", flat=True)) == ["clerk"]
    assert set(clerk.store_scopes.values_list("store__code", flat=True)) == {"S1", "S2"}
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions >= {"operator.added", "operator.stores_changed", "list.imported"}
    written(client, "foundation/operator", CLERKS + "wang01,王秀兰,S2\n")
    assert set(clerk.store_scopes.values_list("store__code", flat=True)) == {"S2"}
    assert AuditEntry.objects.filter(action="operator.stopped").count() == 1


def test_a_list_of_clerks_touches_nobody_else() -> None:
    make_store("S1"), make_store("S2", is_active=False)
    client = client_of("it")
    make_operator("chief", is_superuser=True)
    rows = "it,我,S1\nchief,他,S1\nnew one,空格,S1\nli02,李,S2\nli03,李,S9\n"

    answer = bring(client, "foundation/operator", CLERKS + rows)

    assert [number for number, _words in faults(answer)] == ["2", "3", "4", "5", "6"]
    assert Operator.objects.count() == 2 and not StoreScope.objects.exists()


def test_words_by_their_chinese_kinds_keep_what_the_file_leaves_out() -> None:
    SensitiveWord.objects.create(word="最佳", kind="BANNED", advice="别用", substitute="很好")
    banned = SensitiveWord(kind="BANNED").get_kind_display()

    written(client_of("marketing"), "templates_sms/sensitiveword", f"词,种类\n最佳,\n首选,{banned}\n")

    found = list(SensitiveWord.objects.order_by("id").values_list("word", "kind", "advice", "substitute"))
    assert found == [("最佳", "BANNED", "别用", "很好"), ("首选", "BANNED", "", "")]


def test_suppressed_phones_are_sealed_and_shown_by_their_tail() -> None:
    known = seal(mobile(1))
    suppress(phone_hash=known.hash, kind="MANUAL", now=NOON, note="旧", tail=known.tail)
    suppress(phone_hash=seal(mobile(2)).hash, kind="HARD_FAILURE", now=NOON, tail="0002")
    client = client_of("marketing")
    rows = f"手机号,免打扰到（含当天）,备注\n{mobile(1)},2026-12-31,新\n{mobile(2)},,投诉\n+86 {mobile(3)},,\n"

    answer = bring(client, "members/suppression", rows)
    assert mobile(1) not in answer.content.decode() and "****0001" in answer.content.decode()
    assert mobile(1) not in token_of(answer) and "旧" not in answer.content.decode()
    confirm(client, "members/suppression", answer)

    found = Suppression.objects.filter(kind="MANUAL").order_by("phone_tail").values_list("phone_tail", "until", "note")
    assert list(found) == [
        ("0001", datetime(2026, 12, 31, 16, tzinfo=UTC), "旧"), ("0002", None, "投诉"), ("0003", None, ""),
    ]  # fmt: skip
    assert Suppression.objects.filter(kind="HARD_FAILURE").count() == 1
    assert AuditEntry.objects.filter(action="suppression.added").count() == 2
    assert mobile(1) not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_a_wrong_phone_is_named_by_its_row_not_by_itself() -> None:
    answer = bring(client_of("marketing"), "members/suppression", f"手机号\n1391\n{mobile(1)}\n{mobile(1)}\n")

    assert [number for number, _words in faults(answer)] == ["2", "4"] and not Suppression.objects.exists()
    assert mobile(1) not in answer.content.decode() and "1391" not in answer.content.decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("role", ["marketing", "approver", "it", "clerk", "store_manager"])
def test_who_may_bring_which_list(path: str, role: str) -> None:
    client = client_of(role)
    may = (
        role in {"it"} if PATHS[path] == "it" else role == PATHS[path] or (role, path) == ("it", "delivery/calendarday")
    )

    assert client.get(f"/console/{path}/import/").status_code == (200 if may else 403)
    assert client.get(f"/console/{path}/import/pattern.csv").status_code == (200 if may else 403)
    assert bring(client, path, "x\n1\n").status_code == (400 if may else 403)
    button = client.get(f"/console/{path}/").content.decode() if may else ""
    assert (f"/console/{path}/import/" in button) == may


def test_members_go_by_their_own_import() -> None:
    answer = client_of("marketing").get("/console/members/member/import/")
    assert (answer.status_code, answer.url) == (302, "/console/imports/")


def test_uploads_that_nobody_confirms_go_after_two_hours() -> None:
    names = [uploads.keep([b"old"]), uploads.keep([b"fresh"])]
    os.utime(uploads.path_of(names[0]), (0, 0))
    assert stat.S_IMODE(uploads.path_of(names[1]).stat().st_mode) == 0o600

    uploads.sweep()

    assert left_over() == [names[1]]
    with pytest.raises(uploads.UploadGone):
        uploads.fingerprint(names[0])


def rows_of_members() -> Dataset:
    return Dataset(
        ["K1", mobile(1), "王", "是"], ["K2", "12", "李", ""], headers=["会员卡号", "手机号", "姓名", "营销同意"]
    )


@pytest.mark.usefixtures("committed")
def test_members_for_programs_are_the_same_import() -> None:
    tried = MemberResource().import_data(rows_of_members(), dry_run=True)
    assert (tried.totals["new"], tried.totals["invalid"], Member.objects.count()) == (1, 1, 0)
    by = make_operator()

    result = MemberResource().import_data(rows_of_members(), user=by)

    assert (result.total_rows, result.totals["new"], result.totals["invalid"]) == (2, 1, 1)
    assert result.imported == ImportFile.objects.latest("id") and result.imported.by == by
    assert Member.objects.get().card_no == "K1" and Path(result.imported.error_path).is_file()
    assert MemberResource().import_data(rows_of_members()).totals["skip"] == 1
    wrong = Dataset(["x"], headers=["城市"])
    assert MemberResource().import_data(wrong).has_errors()
    with pytest.raises(DomainError):
        MemberResource().import_data(wrong, raise_errors=True)


def confirmed_twice_at_once(race: Any) -> tuple[list[Any], list[Exception]]:
    permissions.sync()
    client, by = client_of("it"), Operator.objects.get(username="it")
    make_store("S1", name="旧名")
    token = token_of(bring(client, "members/store", STORES + "S1,新名,,,\n"))
    chosen = list_of("members.store")
    assert chosen is not None
    return race(lambda _number: list_imports._do(chosen, token, by=by), 2)


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_of_two_confirmations_at_once_one_writes(race: Any) -> None:
    wins, faults = confirmed_twice_at_once(race)

    assert len(wins) == 1 and isinstance(faults[0], DomainError)
    assert AuditEntry.objects.filter(action="list.imported").count() == 1


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_without_the_lock_both_would_write(race: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    both, real = threading.Barrier(2), StoreResource.do_instance_save

    def meet(resource: Any, instance: Any, is_create: bool) -> None:
        if threading.current_thread() is not threading.main_thread():
            both.wait(timeout=20)
        real(resource, instance, is_create)

    monkeypatch.setattr(list_imports, "ONE_WRITER", "SELECT %(name)s::text")
    monkeypatch.setattr(StoreResource, "do_instance_save", meet)

    wins, _faults = confirmed_twice_at_once(race)

    assert len(wins) == 2 and AuditEntry.objects.filter(action="list.imported").count() == 2
