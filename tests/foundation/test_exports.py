"""An exported file: what is in it, who gets it, how long it stays, and that there is one."""

import csv
import hashlib
import io
import os
import stat
import threading
import tracemalloc
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import translation
from python_calamine import CalamineWorkbook

from console import permissions
from foundation.db import execute
from foundation.errors import NotAllowed
from foundation.models import AuditEntry, ExportFile, Job, JobState, Operator
from foundation.services import export_writers, exports, jobs
from foundation.services.export_lists import Column, ExportList, NoSuchList
from foundation.spreadsheet import plain
from members.models import Member
from tests.factories import NOON, make_member, make_operator, mobile

pytestmark = pytest.mark.django_db
AWKWARD = ["=1+1", " =cmd|' /C calc'!A0", "+86", "-5", "@SUM(A1)", "\t=1", "\r=1", "＝1", "ok", 'a "b", c\nd', "生僻𠮷"]
SPREADSHEETS = {"UTF8": "utf-8-sig", "GB18030": "gb18030"}


@pytest.fixture(autouse=True)
def roles(db: None, settings: Any, tmp_path: Path) -> None:
    settings.EXPORT_DIR = tmp_path / "exports"
    permissions.sync()


def colleague(role: str = "marketing", **facts: Any) -> Operator:
    operator = make_operator(is_staff=True, **facts)
    operator.groups.add(Group.objects.get(name=role))
    return operator


def ask(by: Operator, name: str = "members.member", **facts: Any) -> ExportFile:
    wish = {"query": "", "file_format": "CSV", "encoding": "UTF8", "reason": "月度核对"} | facts
    return exports.request_export(name=name, by=by, now=NOON, **wish)


def made(by: Operator, name: str = "members.member", **facts: Any) -> ExportFile:
    wish = ask(by, name, **facts)
    jobs.run_due(now=NOON)
    return ExportFile.objects.get(pk=wish.pk)


def lines(export: ExportFile) -> list[list[str]]:
    text = Path(export.path).read_bytes().decode(SPREADSHEETS[export.encoding])
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.fixture
def awkward(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list with one row for each of AWKWARD, beside a number, a sum, an instant, a day, a yes and a phone."""
    columns = [
        Column("文字", lambda row: AWKWARD[int(row.card_no[1:])]), Column("数", lambda row: -7),
        Column("金额", lambda row: Decimal("12.30")), Column("时间", lambda row: NOON),
        Column("日期", lambda row: date(2026, 11, 20)), Column("是否", lambda row: True),
        Column("空", lambda row: None),
        Column("留言", lambda row: f"打我电话{mobile(1)}，或者+86 139-0000-0002"),
    ]  # fmt: skip
    chosen = ExportList(
        "awkward", "怪", ("members.view_member",), columns, lambda by, query, now: Member.objects.order_by("id")
    )
    monkeypatch.setattr(exports, "find", lambda name: chosen)
    for number in range(len(AWKWARD)):
        make_member(number)


@pytest.mark.parametrize("encoding", ["UTF8", "GB18030"])
def test_a_csv_file_has_every_cell_and_no_formula(awkward: None, encoding: str) -> None:
    with translation.override("zh-hans"):
        export = made(colleague(), "awkward", encoding=encoding)

    rows = lines(export)
    rest = ["-7", "12.30", "2026-11-20 12:00:00", "2026-11-20", "是", "", "打我电话****0001，或者****0002"]
    assert rows[0] == ["文字", "数", "金额", "时间", "日期", "是否", "空", "留言"]
    assert [row[1:] for row in rows[1:]] == [rest] * len(AWKWARD)
    assert [row[0] for row in rows[1:]] == [f"'{one}" if one not in AWKWARD[-3:] else one for one in AWKWARD]
    assert Path(export.path).read_bytes().startswith(b"\xef\xbb\xbf") == (encoding == "UTF8")
    assert export.sha256 == hashlib.sha256(Path(export.path).read_bytes()).hexdigest()
    assert (export.row_count, export.size_bytes) == (len(AWKWARD), Path(export.path).stat().st_size)


def test_an_xlsx_file_has_texts_as_texts_numbers_as_numbers_and_goes_on_in_another_sheet(
    awkward: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_writers, "SHEET_ROWS", 9)
    with translation.override("zh-hans"):
        export = made(colleague(), "awkward", file_format="XLSX")

    with CalamineWorkbook.from_path(export.path) as book:
        first, second = (book.get_sheet_by_index(number).to_python() for number in (0, 1))
    rest = [-7.0, 12.3, datetime(2026, 11, 20, 12), date(2026, 11, 20), "是", "", "打我电话****0001，或者****0002"]
    assert first[0] == second[0] == ["文字", "数", "金额", "时间", "日期", "是否", "空", "留言"]
    assert [row[1:] for row in first[1:] + second[1:]] == [rest] * len(AWKWARD)
    assert [str(row[0]).replace("\r", "") for row in first[1:] + second[1:]] == [
        one.replace("\r", "") for one in AWKWARD
    ]


def test_days_that_no_spreadsheet_knows_and_long_numbers_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        writer = export_writers.XlsxWriter(file, ["a", "b", "c"], tmp_path)
        writer.write([date(1899, 1, 1), 10**17 + 1, "x" * 40_000])
        writer.close()

    row = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1]
    assert row == ["1899-01-01", str(10**17 + 1), "x" * 32_767]


@pytest.mark.parametrize(
    "text", [mobile(1), f"0086{mobile(1)}", "139 0000 0001", "+86-139-0000-0001", "１３９０００００００１"]
)
def test_no_phone_is_left_in_a_text(text: str) -> None:
    assert unicodedata.normalize("NFKC", str(plain(f"a{text}b"))) == "a****0001b"


def test_numbers_that_are_no_phones_stay() -> None:
    assert plain("20261120120000000001") == "20261120120000000001"


def test_the_file_is_of_this_account_alone_under_a_name_nobody_guesses() -> None:
    export = made(colleague())

    path = Path(export.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(path.stem) >= 32 and [one.name for one in path.parent.iterdir()] == [path.name]


def test_members_are_masked_as_on_their_page() -> None:
    make_member(1, name="王小明")
    with translation.override("zh-hans"):
        rows = lines(made(colleague()))

    assert rows[0][:3] == ["卡号", "姓名", "手机"] and rows[1][:3] == ["M1", "王**", "****0001"]


def test_headings_are_in_the_language_of_whoever_asked() -> None:
    with translation.override("en"):
        assert lines(made(colleague()))[0][0] == "card number"


def test_a_file_has_the_rows_of_the_list_in_its_order() -> None:
    for number, city in enumerate(["上海", "杭州", "上海"], start=1):
        make_member(number, city=city)

    rows = lines(made(colleague(), query="city=上海&o=0&p=2"))

    assert [row[0] for row in rows[1:]] == ["M1", "M3"]


def test_filters_that_make_no_sense_are_refused_when_asked() -> None:
    for query in ("nonsense__x=1", "birthday__year=x"):
        with pytest.raises(NoSuchList):
            ask(colleague(), query=query)
    assert not ExportFile.objects.exists() and not Job.objects.exists()


@pytest.mark.parametrize("reason", ["", "   ", "abc", " a  b "])
def test_a_reason_is_needed(reason: str) -> None:
    with pytest.raises(exports.ExportRefused):
        ask(colleague(), reason=reason)


def test_three_at_a_time() -> None:
    by = colleague()
    for _number in range(3):
        ask(by)
    with pytest.raises(exports.ExportRefused):
        ask(by)
    ask(colleague())
    jobs.run_due(now=NOON)
    ask(by)


def test_who_asked_for_what_is_written_down_without_the_search() -> None:
    by = colleague()
    export = made(by, query="q=王小明")
    exports.open_export(export_id=export.pk, by=by, now=NOON)[1].close()
    exports.clear(now=NOON + timedelta(hours=25))

    found = AuditEntry.objects.filter(subject=export.subject).order_by("id")
    assert [(one.action, one.actor, one.detail) for one in found] == [
        ("export.requested", by, {"list": "members.member", "format": "CSV", "is_filtered": True}),
        ("export.downloaded", by, {"rows": 0}), ("export.expired", None, {}),
    ]  # fmt: skip


def test_both_rights_are_needed_when_asked_when_made_and_when_downloaded() -> None:
    with pytest.raises(NotAllowed):
        ask(colleague("it"))  # may export, sees no members
    by = colleague()
    kept, late = made(by), ask(by)
    by.groups.clear()
    by = Operator.objects.get(pk=by.pk)

    jobs.run_due(now=NOON)

    assert Job.objects.get(pk=late.job_id).state == JobState.FAILED
    with pytest.raises(NotAllowed):
        exports.open_export(export_id=kept.pk, by=by, now=NOON)


def test_a_colleague_who_has_left_gets_nothing() -> None:
    by = colleague()
    kept, late = made(by), ask(by)
    Operator.objects.update(is_active=False)

    jobs.run_due(now=NOON)

    assert Job.objects.get(pk=late.job_id).state == JobState.FAILED
    with pytest.raises(NotAllowed):
        exports.open_export(export_id=kept.pk, by=Operator.objects.get(pk=by.pk), now=NOON)


def test_nobody_else_gets_the_file() -> None:
    export = made(colleague())

    with pytest.raises(ExportFile.DoesNotExist):
        exports.open_export(export_id=export.pk, by=colleague(), now=NOON)


def test_a_file_goes_when_its_time_is_up_and_its_row_stays() -> None:
    by = colleague()
    export = made(by, query="q=王")
    path = Path(export.path)
    assert export.expires_at == NOON + timedelta(hours=24)

    assert exports.clear(now=NOON + timedelta(hours=23)) == 0 and path.exists()
    with pytest.raises(exports.ExportGone):
        exports.open_export(export_id=export.pk, by=by, now=NOON + timedelta(hours=24))
    assert exports.clear(now=NOON + timedelta(hours=24)) == 1 and not path.exists()
    assert exports.clear(now=NOON + timedelta(hours=24)) == 0

    export.refresh_from_db()
    assert (export.path, export.query, export.row_count, export.reason) == ("", "", 0, "月度核对")


def test_the_search_of_a_file_that_was_never_made_goes_as_well() -> None:
    by = colleague()
    stopped, waiting = ask(by, query="q=王小明"), ask(by, query="q=李")
    jobs.cancel(job_id=stopped.job_id, by=by, now=NOON)

    exports.clear(now=NOON + timedelta(hours=23))
    assert ExportFile.objects.get(pk=stopped.pk).query == "q=王小明"
    exports.clear(now=NOON + timedelta(hours=24))

    assert ExportFile.objects.get(pk=stopped.pk).query == "" and ExportFile.objects.get(pk=waiting.pk).query == "q=李"


def test_what_killed_workers_leave_is_swept_after_a_day() -> None:
    export = made(colleague())
    folder = Path(export.path).parent
    old, fresh = folder / "old.part", folder / "fresh.part"
    old.touch()
    fresh.touch()
    for path in (old, Path(export.path)):
        os.utime(path, (0, 0))

    exports.clear(now=NOON)

    assert {one.name for one in folder.iterdir()} == {"fresh.part", Path(export.path).name}


def test_a_job_that_runs_twice_makes_one_file() -> None:
    export = made(colleague())
    Job.objects.update(state=JobState.QUEUED)

    jobs.run_due(now=NOON + timedelta(hours=1))

    again = ExportFile.objects.get()
    assert (again.path, again.made_at) == (export.path, NOON) and len(list(Path(export.path).parent.iterdir())) == 1


def fill_members(count: int) -> None:
    """Members without phones, by one statement."""
    execute(
        "INSERT INTO members_member (card_no, name, phone_tail, carrier, gender, city, level, income_band, is_demo,"
        " purchase_count, spend_fen, rfm_r, rfm_f, rfm_m, lifecycle)"
        " SELECT 'C' || n, '会员' || n, '0001', '', '', '上海', '', '', false, 0, 0, 0, 0, 0, 'PROSPECT'"
        " FROM generate_series(1, %(count)s) n",
        {"count": count},
    )


@pytest.mark.usefixtures("committed")
def test_a_worker_that_is_killed_half_way_is_followed_by_one_that_makes_one_file(monkeypatch) -> None:
    permissions.sync()
    fill_members(25)
    wish = ask(colleague())
    monkeypatch.setattr(exports, "STEP_ROWS", 10)
    report, calls = jobs.report_progress, []

    class Killed(BaseException):
        pass

    def dies(**facts: Any) -> None:
        calls.append(facts["done_count"])
        if facts["done_count"] == 20:
            raise Killed
        report(**facts)

    monkeypatch.setattr(jobs, "report_progress", dies)
    with pytest.raises(Killed):
        jobs.run_due(now=NOON)
    assert Job.objects.get().state == JobState.RUNNING and Job.objects.get().done_count == 10
    monkeypatch.setattr(jobs, "report_progress", report)
    execute("UPDATE foundation_job SET lease_until = clock_timestamp() - interval '1 hour'")

    jobs.run_due(now=NOON)

    export = ExportFile.objects.get(pk=wish.pk)
    assert (export.row_count, len(lines(export))) == (25, 26)
    assert Job.objects.get().state == JobState.DONE and Job.objects.get().done_count == 25


def test_a_cancelled_export_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    make_member(1)
    export = ask(colleague())
    Job.objects.update(cancel_requested=True)

    jobs.run_due(now=NOON)

    assert Job.objects.get().state == JobState.CANCELLED and ExportFile.objects.get(pk=export.pk).path == ""
    assert list(exports.settings.EXPORT_DIR.iterdir()) == []


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers both have their file whole before either gives it its place."""
    written, write = threading.Barrier(2), exports._write

    def both(*args: Any, **facts: Any) -> int:
        count = write(*args, **facts)
        written.wait(timeout=20)
        return count

    monkeypatch.setattr(exports, "_write", both)


def race_two(race: Any) -> tuple[list[Any], list[Exception], list[str]]:
    wish = ask(colleague())
    jobs.claim_next(now=NOON)
    workers = [Job.objects.get(), Job.objects.get()]
    wins, faults = race(lambda number: exports.run_job(job=workers[number], now=NOON), 2)
    assert ExportFile.objects.filter(pk=wish.pk).exists()
    return wins, faults, [str(one) for one in Path(exports.settings.EXPORT_DIR).iterdir()]


@pytest.mark.race
@pytest.mark.usefixtures("committed", "side_by_side")
@pytest.mark.parametrize("rows", [0, 5])
def test_of_two_workers_with_one_job_one_makes_the_file(race: Any, rows: int) -> None:
    permissions.sync()
    fill_members(rows)

    wins, faults, files = race_two(race)

    assert wins == [{"rows": rows}] and [type(fault) for fault in faults] == [jobs.JobLost]
    assert files == [ExportFile.objects.get().path]


@pytest.mark.race
@pytest.mark.usefixtures("committed", "side_by_side")
def test_without_its_conditions_two_workers_leave_two_files(race: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(exports, "_take", lambda wish, path, *_rest, **_facts: path.rename(path.with_suffix("")))

    wins, _faults, files = race_two(race)

    assert len(wins) == len(files) == 2


@pytest.fixture
def traced() -> Iterator[None]:
    """
    What Python holds is counted from here on.

    Not the size of the process: after a thousand tests it has enough free memory inside to hide 40 MB.
    """
    tracemalloc.start()
    yield
    tracemalloc.stop()


def held_mb() -> float:
    """What this process's objects take now."""
    return tracemalloc.get_traced_memory()[0] / 1024**2


@pytest.mark.usefixtures("committed", "traced")
@pytest.mark.parametrize("file_format", ["CSV", "XLSX"])
def test_a_long_list_takes_no_more_memory_than_a_short_one(monkeypatch: pytest.MonkeyPatch, file_format: str) -> None:
    permissions.sync()
    fill_members(40_000)
    held: list[float] = []
    report = jobs.report_progress
    monkeypatch.setattr(jobs, "report_progress", lambda **facts: (held.append(held_mb()), report(**facts)))

    export = made(colleague(), file_format=file_format)

    assert export.row_count == 40_000 and len(held) == 6
    assert max(held) - held[1] < 15  # all rows at once are more than 40 MB


@pytest.mark.usefixtures("committed", "traced")
def test_the_measure_of_memory_would_see_rows_that_are_kept() -> None:
    fill_members(40_000)
    before = held_mb()
    kept = list(Member.objects.order_by("id"))

    assert held_mb() - before > 25 and len(kept) == 40_000
