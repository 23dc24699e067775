"""The pages of an import: columns, dry run, writing, undo; who may do what; bad input changes nothing."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import permissions
from foundation import clock
from foundation.models import Job
from members.models import ImportFile, ImportUndo, Member
from tests.console.test_watch import client_of
from tests.factories import NOON, mobile
from tests.members.imports import run_all, tried, write, written

pytestmark = pytest.mark.usefixtures("committed", "import_folder")
LINES = "会员卡号,手机号,姓名,备注\nK1,{phone},王小明,老\n"


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def upload(client, content: bytes, name: str = "a.csv"):
    return client.post("/console/imports/", {"kind": "MEMBERS", "file": SimpleUploadedFile(name, content)})


def page_of(answer) -> str:
    return answer.content.decode()


def test_a_file_goes_from_upload_to_written(import_folder):
    client = client_of("marketing")

    answer = upload(client, LINES.format(phone=mobile(1)).encode("gb18030"))
    columns = client.get(answer.url)
    assert "备注" in page_of(columns) and mobile(1) not in page_of(columns) and "王小明" not in page_of(columns)
    answer = client.post(answer.url, {"column-0": "card_no", "column-1": "phone", "column-2": "name", "column-3": ""})
    run_all()
    tried_page = page_of(client.get(answer.url))
    assert "王**" in tried_page and "王小明" not in tried_page and Member.objects.count() == 0
    written_at = client.post(f"{answer.url}write/").url
    run_all()

    assert Member.objects.get().name == "王小明"
    assert client.get(written_at).status_code == 200
    assert client.post(f"{answer.url}write/").url == written_at
    assert ImportFile.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.xlsx", b"\xd0\xcf\x11\xe0"),
        ("a.xlsx", b"PK\x03\x04"),
        ("a.csv", b"\xff\xff\xff\xff"),
        ("a.pdf", b"%PDF-1"),
    ],
)
def test_a_file_that_can_not_be_used_says_so_and_leaves_nothing(import_folder, name, content):
    answer = upload(client_of("marketing"), content, name)

    assert answer.status_code == 400 and 'role="alert"' in page_of(answer)
    assert not ImportFile.objects.exists() and not list(Path(import_folder).glob("*"))


def test_a_file_that_is_too_large_is_refused_before_it_is_kept(import_folder, settings):
    settings.MAX_UPLOAD_MB = 0

    assert upload(client_of("marketing"), b"a,b\n").status_code == 400
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize(
    "choice",
    [
        {"column-0": "card_no"},
        {"column-0": "phone", "column-1": "phone", "column-2": "card_no"},
        {"column-0": "card_no", "column-1": "phone", "column-2": "nonsense"},
        {},
    ],
)
def test_columns_that_make_no_sense_are_refused_and_stay_chosen(choice):
    client = client_of("marketing")
    url = upload(client, LINES.format(phone=mobile(1)).encode()).url

    answer = client.post(url, choice)

    assert answer.status_code == 400 and 'role="alert"' in page_of(answer)
    assert not Job.objects.exists()


def test_a_file_that_has_vanished_is_a_sentence():
    client = client_of("marketing")
    url = upload(client, LINES.format(phone=mobile(1)).encode()).url
    Path(ImportFile.objects.get().path).unlink()

    assert client.get(url).status_code == 400
    assert client.post(url, {"column-0": "card_no", "column-1": "phone"}).status_code == 400


def test_an_undo_is_asked_for_by_one_and_confirmed_by_another(tmp_path):
    imported = written(write(tmp_path, [["K1", mobile(1), "王", "", "是", ""]]))
    marketing, approver = client_of("marketing"), client_of("approver")
    url = f"/console/imports/{imported.pk}/"

    assert marketing.post(f"{url}undo/confirm/").status_code == 403
    assert approver.post(f"{url}undo/confirm/").status_code == 404
    marketing.post(f"{url}undo/", {"reason": " "})
    assert not ImportUndo.objects.exists()
    marketing.post(f"{url}undo/", {"reason": "传错了"})
    assert "members.csv" in page_of(approver.get("/console/waiting/"))
    assert "传错了" in page_of(approver.get(url))
    approver.post(f"{url}undo/confirm/")
    run_all()

    assert not Member.objects.exists()
    assert "members.csv" not in page_of(approver.get("/console/waiting/"))
    assert approver.get(url).status_code == 200


@pytest.mark.parametrize("role", ["clerk", "store_manager", "it"])
def test_others_see_nothing_of_imports(tmp_path, role):
    imported = tried(write(tmp_path, [["K1", mobile(1), "王", "", "是", ""]]))
    client = client_of(role)

    for path in ("", f"{imported.pk}/", f"{imported.pk}/columns/", "pattern/MEMBERS.csv"):
        assert client.get(f"/console/imports/{path}").status_code in (302, 403)
    for action in ("write", "cancel", "resume", "undo", "undo/confirm"):
        assert client.post(f"/console/imports/{imported.pk}/{action}/").status_code in (302, 403)
    assert ImportFile.objects.count() == 1 and not ImportUndo.objects.exists()


def test_an_approver_looks_but_imports_nothing(tmp_path):
    imported = tried(write(tmp_path, [["K1", mobile(1), "王", "", "是", ""]]))
    client = client_of("approver")

    assert client.get(f"/console/imports/{imported.pk}/").status_code == 200
    assert client.post(f"/console/imports/{imported.pk}/write/").status_code == 403
    assert client.get(f"/console/imports/{imported.pk}/refused.csv").status_code == 403


def test_the_pages_ask_as_often_for_many_rows_as_for_few(tmp_path):
    client = client_of("marketing")

    def queries(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    few = tried(write(tmp_path, [["K1", mobile(1), "王", "", "", ""]]))
    before = [queries(f"/console/imports/{few.pk}/"), queries("/console/imports/")]
    rows = [[f"K{n}", mobile(n) if n % 3 else "1", "王", "", "", ""] for n in range(90)]
    many = [tried(write(tmp_path, rows, name=f"{n}.csv")) for n in range(5)][-1]

    assert [queries(f"/console/imports/{many.pk}/"), queries("/console/imports/")] == before


def test_an_empty_file_with_the_right_columns_comes_back_recognised():
    client = client_of("marketing")
    for kind in ("MEMBERS", "STORES", "ORDERS", "ORDER_LINES"):
        content = client.get(f"/console/imports/pattern/{kind}.csv").content
        file = SimpleUploadedFile("p.csv", content + b"\r\n")
        url = client.post("/console/imports/", {"kind": kind, "file": file}).url
        assert "k-tag--warn" not in page_of(client.get(url)), kind
