"""The steps of an import: received, columns chosen, tried, written; each of them once."""

import zipfile
from pathlib import Path

import pytest

from foundation.errors import DomainError
from foundation.models import Job, JobState
from foundation.services import jobs
from foundation.services.phones import hash_phone
from members.models import HeaderChoice, ImportChange, ImportFile, Member
from members.services.consent import opt_out
from members.services.imports import begin, import_now, receive, run, write_tried
from members.services.imports.clearing import clear_imports
from members.services.imports.preview import preview_of
from members.services.imports.reading import CannotImport
from tests.factories import NOON, make_operator, make_store, mobile
from tests.members.imports import consent_of, run_all, tried, write, written

pytestmark = [pytest.mark.usefixtures("committed", "import_folder")]

SHEET = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData>
</worksheet>"""


def workbook(path: Path, rows: list[list[str | int]]) -> Path:
    """The smallest workbook that a spreadsheet would open, numbers as numbers."""

    def cell(value: str | int) -> str:
        return f"<c><v>{value}</v></c>" if isinstance(value, int) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    body = "".join(f"<row>{''.join(cell(value) for value in row)}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{main}/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            "</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{main}/package/2006/relationships"><Relationship Id="r1" Target="xl/workbook.xml" '
            f'Type="{main}/officeDocument/2006/relationships/officeDocument"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}/spreadsheetml/2006/main" xmlns:r="{main}/officeDocument/2006/relationships">'
            '<sheets><sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{main}/package/2006/relationships"><Relationship Id="r1" Target="worksheets/a.xml" '
            f'Type="{main}/officeDocument/2006/relationships/worksheet"/></Relationships>',
        )
        archive.writestr("xl/worksheets/a.xml", SHEET.format(rows=body))
    return path


def test_a_file_is_tried_and_written_with_the_same_figures(tmp_path):
    make_store("S1")
    written(write(tmp_path, [["K1", mobile(1), "王", "", "是", ""], ["K2", mobile(2), "李", "", "", ""]]))
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="r", now=NOON)
    rows = [
        ["K1", mobile(1), "王", "", "是", ""], ["K2", mobile(2), "李", "S1", "", "上海"],
        ["K3", mobile(3), "赵", "", "", ""], ["K4", "12", "钱", "", "", ""], ["K5", mobile(5), "孙", "S9", "", ""],
    ]  # fmt: skip

    imported = tried(write(tmp_path, rows, name="second.csv"))

    assert (imported.new_count, imported.changed_count, imported.same_count, imported.refused_count) == (1, 1, 1, 2)
    assert imported.reasons == {"PHONE_WRONG_LENGTH": 1, "STORE_UNKNOWN": 1}
    assert imported.notes == {"opted_out": 1, "without_consent": 3, "members": 2}
    assert Member.objects.count() == 2 and not ImportChange.objects.filter(import_file=imported).exists()
    assert imported.samples["NEW"] == [{"line": 4, "phone": "****0003", "name": "赵**", "change": []}]
    assert imported.samples["SAME"][0]["line"] == 2
    assert imported.samples["CHANGED"][0]["change"] == [["city", "", "上海"], ["home_store", "", "S1"]]
    assert [row["reason"] for row in imported.samples["REFUSED"]] == ["PHONE_WRONG_LENGTH", "STORE_UNKNOWN"]

    real = write_tried(import_id=imported.pk, by=make_operator(), now=NOON)
    run_all()
    real.refresh_from_db()
    assert (real.new_count, real.changed_count, real.same_count, real.refused_count) == (1, 1, 1, 2)
    assert Member.objects.get(card_no="K2").city == "上海" and consent_of(mobile(1)) == "OPTED_OUT"


def test_no_phone_and_no_name_stands_in_the_samples(tmp_path):
    rows = [[f"K{n}", mobile(n), "欧阳娜娜", "", "", ""] for n in range(3)] + [
        ["K9", "1380013800", "欧阳娜娜", "", "", ""]
    ]
    written(write(tmp_path, [["K0", mobile(7), "司马相如", "", "", ""]]))

    kept = str(tried(write(tmp_path, rows, name="b.csv")).samples)

    assert "欧阳娜娜" not in kept and "司马相如" not in kept and "1380013800" not in kept
    assert mobile(0) not in kept and mobile(7) not in kept
    assert "****0007" in kept and "欧**" in kept


def test_a_choice_of_columns_counts_and_is_remembered_for_the_next_file(tmp_path):
    header, rows = ["会员卡号", "老号", "手机号"], [["K1", mobile(1), mobile(2)]]
    path = write(tmp_path, rows, header=header)

    imported = tried(path, columns={"card_no": 0, "phone": 1})
    again = receive(kind="MEMBERS", path=write(tmp_path, rows, header=header), name="b", by=None, now=NOON)

    assert imported.columns == {"card_no": 0, "phone": 1}
    assert dict(HeaderChoice.objects.values_list("header", "field")) == {"老号": "phone", "手机号": ""}
    assert [(one.field, one.how) for one in preview_of(again).columns] == [
        ("card_no", "KNOWN"), ("phone", "REMEMBERED"), ("", "REMEMBERED"),
    ]  # fmt: skip
    assert import_now(kind="MEMBERS", path=path, name="c", by=None, now=NOON).new_count == 1
    assert Member.objects.get().phone_tail == mobile(1)[-4:]

    begin(import_id=again.pk, columns={"card_no": 0, "phone": 2}, by=None, now=NOON, is_dry_run=True)
    assert not HeaderChoice.objects.exists()


@pytest.mark.parametrize(
    "columns",
    [
        {"card_no": 0},
        {"phone": 1},
        {"card_no": 0, "phone": 0},
        {"card_no": 0, "phone": 9},
        {"card_no": 0, "phone": 1, "x": 2},
        {},
    ],
)
def test_columns_that_make_no_sense_are_refused_and_nothing_is_queued(tmp_path, columns):
    imported = receive(kind="MEMBERS", path=write(tmp_path, []), name="a", by=None, now=NOON)

    with pytest.raises(CannotImport):
        begin(import_id=imported.pk, columns=columns, by=None, now=NOON, is_dry_run=True)

    assert not Job.objects.exists() and not HeaderChoice.objects.exists()


def test_a_workbook_is_read_like_a_file_of_text(tmp_path, import_folder):
    path = workbook(tmp_path / "a.xlsx", [["会员卡号", "手机号", "姓名"], [1001, int(mobile(1)), "王"]])

    imported = tried(path)

    assert (imported.new_count, imported.refused_count) == (1, 0)
    assert imported.samples["NEW"][0]["phone"] == "****0001"
    assert Path(imported.path).parent == import_folder


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0 locked", b"PK\x03\x04 torn"])
def test_a_workbook_that_can_not_be_opened_is_refused_with_a_sentence(tmp_path, content):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)

    with pytest.raises(CannotImport):
        receive(kind="MEMBERS", path=path, name="a.xlsx", by=None, now=NOON)

    assert not ImportFile.objects.exists()


def test_a_workbook_that_unpacks_into_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("members.services.imports.workbook.LARGEST_UNPACKED", 100)

    with pytest.raises(CannotImport):
        receive(kind="MEMBERS", path=workbook(tmp_path / "a.xlsx", [["a"]]), name="a", by=None, now=NOON)


def test_a_stopped_import_goes_on_from_the_next_row(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHUNK_ROWS", 3)
    imported = tried(write(tmp_path, [[f"K{n}", mobile(n), "王", "", "是", ""] for n in range(7)]))
    real = write_tried(import_id=imported.pk, by=make_operator(), now=NOON)
    write_at = run.errors.write_at

    def stop_after_the_first(path, lines, at):
        write_at(path, lines, at)
        jobs.cancel(job_id=real.job_id, by=make_operator(), now=NOON)

    monkeypatch.setattr(run.errors, "write_at", stop_after_the_first)
    run_all()
    assert Job.objects.get(pk=real.job_id).state == JobState.CANCELLED and Member.objects.count() == 3
    monkeypatch.setattr(run.errors, "write_at", write_at)

    assert jobs.resume(job_id=real.job_id)
    assert not jobs.resume(job_id=real.job_id)
    run_all()

    real.refresh_from_db()
    assert (real.new_count, real.same_count, Member.objects.count()) == (7, 0, 7)


def test_only_a_finished_dry_run_is_written(tmp_path):
    by = make_operator()
    imported = receive(kind="MEMBERS", path=write(tmp_path, []), name="a", by=by, now=NOON)
    with pytest.raises(DomainError):
        write_tried(import_id=imported.pk, by=by, now=NOON)
    begin(import_id=imported.pk, columns=None, by=by, now=NOON, is_dry_run=True)
    with pytest.raises(DomainError):
        write_tried(import_id=imported.pk, by=by, now=NOON)
    assert not ImportFile.objects.filter(is_dry_run=False).exists()


@pytest.mark.race
def test_a_press_that_is_repeated_at_one_moment_starts_one_import(tmp_path, race):
    by = make_operator()
    imported = receive(
        kind="MEMBERS", path=write(tmp_path, [["K1", mobile(1), "", "", "", ""]]), name="a", by=by, now=NOON
    )

    _, problems = race(lambda _n: begin(import_id=imported.pk, columns=None, by=by, now=NOON, is_dry_run=True), 6)
    assert not problems and Job.objects.count() == 1
    run_all()
    real, problems = race(lambda _n: write_tried(import_id=imported.pk, by=by, now=NOON).pk, 6)

    assert not problems and len(set(real)) == 1 and Job.objects.count() == 2


@pytest.mark.race
def test_the_same_race_catches_a_start_that_locks_nothing(tmp_path, race):
    by = make_operator()
    imported = receive(kind="MEMBERS", path=write(tmp_path, []), name="a", by=by, now=NOON)

    def naive(_number: int) -> None:
        if ImportFile.objects.get(pk=imported.pk).job_id is None:
            job = jobs.enqueue(kind="members.import", title="x", params={}, by=by, now=NOON)
            ImportFile.objects.filter(pk=imported.pk).update(job=job)

    for _round in range(20):
        ImportFile.objects.update(job=None)
        Job.objects.all().delete()
        race(naive, 6)
        if Job.objects.count() > 1:
            return
    pytest.fail("the race never happened")


def test_what_an_import_leaves_is_cleared_away_but_not_the_owners_file(tmp_path, import_folder):
    mine = written(write(tmp_path, [["K1", mobile(1), "王", "", "", ""], ["K2", "1", "", "", "", ""]]))
    import_folder.mkdir(exist_ok=True)
    uploaded = written(write(import_folder, [["K3", mobile(3), "王", "", "", ""]], name="upload.csv"))
    open_one = receive(kind="MEMBERS", path=write(import_folder, [], name="open.csv"), name="o", by=None, now=NOON)
    begin(import_id=open_one.pk, columns=None, by=None, now=NOON, is_dry_run=True)

    assert clear_imports(now=NOON.replace(day=NOON.day + 7)) == 0
    assert clear_imports(now=NOON.replace(day=NOON.day + 9)) == 4
    assert clear_imports(now=NOON.replace(day=NOON.day + 9)) == 0

    uploaded.refresh_from_db()
    assert Path(mine.path).exists() and not Path(uploaded.path).exists() and Path(open_one.path).exists()
    assert not ImportChange.objects.exists() and uploaded.is_cleared and uploaded.samples == {}
    assert Path(mine.error_path).exists()
    clear_imports(now=NOON.replace(year=NOON.year + 1))
    assert not Path(mine.error_path).exists()


def test_a_command_does_its_import_itself_however_quick_a_worker_is(tmp_path, monkeypatch):
    # A worker that hears the ring takes the job at once and works on it for a while.
    monkeypatch.setattr("foundation.queue._send", lambda *_ids: jobs.claim_next(now=NOON))
    path = write(tmp_path, [["S1", "一店"]], header=["门店编码", "门店名称"])

    imported = import_now(kind="STORES", path=path, name="s", by=None, now=NOON)

    assert imported.new_count == 1
