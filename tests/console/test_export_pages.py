"""The pages of exported files: every list has its button, whoever may see a list may take it, nobody else."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from console import permissions
from foundation import clock
from foundation.models import ExportFile, Job
from foundation.services import jobs
from foundation.services.export_lists import NoSuchList, find
from tests.console.test_query_counts import one_more_of_everything
from tests.console.test_watch import client_of
from tests.factories import NOON, make_member

pytestmark = pytest.mark.django_db
OURS = [model._meta.label_lower for model in admin.site._registry]
WORK_LISTS = [import_string(path).name for path in configured.EXPORT_LISTS]
# The pages with the button of a list of a work place.
PAGES = {
    "segments": "segments/", "templates": "templates/", "batches": "batches/", "campaigns": "campaigns/",
    "alerts": "alerts/", "api-keys": "api-keys/", "webhooks": "webhooks/",
}  # fmt: skip


@pytest.fixture(autouse=True)
def roles(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    settings.EXPORT_DIR = tmp_path / "exports"


def ask(client: Client, name: str, query: str = "", **facts: Any) -> Any:
    wish = {"list": name, "query": query, "file_format": "CSV", "encoding": "UTF8", "reason": "月度核对"} | facts
    return client.post("/console/exports/new/", wish)


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_from_a_filtered_list_to_the_downloaded_file() -> None:
    make_member(1, city="上海"), make_member(2, city="杭州")
    client = client_of("marketing")

    shown = client.get(f"/console/members/member/?city={quote('上海')}").content.decode()
    link = re.search(r'href="(/console/exports/new/\?list=members.member&amp;query=[^"]+)"', shown)
    assert link is not None
    form = client.get(link[1].replace("&amp;", "&")).content.decode()
    assert "1 行" in form and "卡号" in form
    query = re.search(r'name="query" value="([^"]*)"', form)
    assert query is not None
    assert ask(client, "members.member", query[1].replace("&amp;", "&")).url == "/console/exports/"
    assert Job.objects.get().get_state_display() in client.get("/console/exports/").content.decode()
    jobs.run_due(now=NOON)
    pk = ExportFile.objects.get().pk
    assert f"/console/exports/{pk}/file" in client.get("/console/exports/").content.decode()
    answer = client.get(f"/console/exports/{pk}/file")

    assert [row[0] for row in csv.reader(io.StringIO(content(answer).decode("utf-8-sig")))] == ["卡号", "M1"]
    assert answer["Content-Type"] == "text/csv; charset=utf-8" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store" and answer["Content-Disposition"].startswith("attachment; ")
    assert quote("会员-20261120-1200.csv") in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"encoding": "GB18030"}, "text/csv; charset=gb18030"),
        ({"file_format": "XLSX"}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_each_kind_of_file_says_what_it_is(facts: dict[str, str], kind: str) -> None:
    client = client_of("marketing")
    ask(client, "members.member", **facts)
    jobs.run_due(now=NOON)

    answer = client.get(f"/console/exports/{ExportFile.objects.get().pk}/file")
    assert answer["Content-Type"] == kind and content(answer)


def test_every_list_can_be_taken_by_whoever_sees_it_and_has_each_row() -> None:
    for number in range(2):
        one_more_of_everything(number)
    clients = [client_of(role) for role in ("marketing", "it", "approver")]
    for name in (*OURS, *WORK_LISTS):
        client = next(one for one in clients if may(one, name))
        assert ask(client, name).status_code == 302, name
        jobs.run_due(now=NOON)

        export = ExportFile.objects.latest("id")
        assert export.path, (name, Job.objects.get(pk=export.job_id).error)
        text = Path(export.path).read_text("utf-8-sig")
        assert export.row_count == len(list(csv.reader(io.StringIO(text, newline="")))) - 1, name
        assert "<" not in text and "None" not in text, name
    assert ExportFile.objects.filter(row_count__gt=0).count() > 15


def may(client: Client, name: str) -> bool:
    return client.get(f"/console/exports/new/?list={name}").status_code == 200


def test_all_lists_of_the_console_are_thought_of() -> None:
    assert len(OURS) >= 15 and len(WORK_LISTS) == 8 and set(PAGES) | {"runs"} == set(WORK_LISTS)


@pytest.mark.parametrize(("name", "path"), PAGES.items())
def test_the_page_of_a_work_list_leads_to_its_file(name: str, path: str) -> None:
    shown = [client_of(role).get(f"/console/{path}").content.decode() for role in ("marketing", "it")]
    assert any(f"/console/exports/new/?list={name}" in one for one in shown)


@pytest.mark.parametrize("role", ["clerk", "store_manager"])
def test_the_till_exports_nothing(role: str) -> None:
    client = client_of(role)
    for path in ("", "new/?list=members.member", "1/file"):
        assert client.get(f"/console/exports/{path}").status_code == 403
    assert ask(client, "members.member").status_code == 403 and not ExportFile.objects.exists()


@pytest.mark.parametrize(
    ("role", "name", "status"),
    [
        ("marketing", "members.member", 302), ("marketing", "foundation.operator", 403), ("marketing", "segments", 302),
        ("marketing", "foundation.auditentry", 403), ("approver", "campaigns", 302), ("it", "members.member", 403),
        ("it", "foundation.auditentry", 302), ("it", "api-keys", 302), ("approver", "api-keys", 403),
        ("it", "segments", 403), ("marketing", "nonsense", 404), ("marketing", "members.nonsense", 404),
        ("marketing", "foundation.exportfile", 404), ("marketing", "", 404),
    ],
)  # fmt: skip
def test_who_may_take_which_list(role: str, name: str, status: int) -> None:
    client = client_of(role)

    assert ask(client, name).status_code == status
    assert ExportFile.objects.count() == (status == 302)
    assert may(client, name) == (status == 302)


def test_another_ones_file_does_not_exist() -> None:
    client = client_of("marketing")
    ask(client, "members.member")
    jobs.run_due(now=NOON)
    pk = ExportFile.objects.get().pk

    other = client_of("approver")
    assert other.get(f"/console/exports/{pk}/file").status_code == 404
    assert other.post(f"/console/exports/{pk}/cancel/").status_code == 404
    assert f"{pk}/file" not in other.get("/console/exports/").content.decode()
    ExportFile.objects.get().by.groups.clear()
    assert client.get(f"/console/exports/{pk}/file").status_code == 403


def test_what_is_missing_is_said_on_the_form_and_what_was_typed_stays() -> None:
    client = client_of("marketing")
    answer = ask(client, "members.member", "city=x", reason="abc")

    assert answer.status_code == 400 and not ExportFile.objects.exists()
    assert 'value="abc"' in answer.content.decode() and 'value="city=x"' in answer.content.decode()
    assert ask(client, "members.member", file_format="PDF").status_code == 400
    assert ask(client, "members.member", "birthday__year=x").status_code == 404


def test_a_file_that_is_gone_says_so() -> None:
    client = client_of("marketing")
    ask(client, "members.member")
    export = ExportFile.objects.get()
    for step in (lambda: None, lambda: (jobs.run_due(now=NOON), Path(ExportFile.objects.get().path).unlink())):
        step()
        answer = client.get(f"/console/exports/{export.pk}/file", follow=True)
        assert answer.redirect_chain == [("/console/exports/", 302)] and "不在了" in answer.content.decode()


def test_a_waiting_file_can_be_stopped_and_asked_for_again() -> None:
    client = client_of("marketing")
    ask(client, "members.member", "city=x")

    client.post(f"/console/exports/{ExportFile.objects.get().pk}/cancel/")
    jobs.run_due(now=NOON)

    assert ExportFile.objects.get().made_at is None
    assert "/console/exports/new/?list=members.member&amp;query=city%3Dx" in (
        client.get("/console/exports/").content.decode()
    )


def test_the_page_asks_itself_again_only_while_a_file_is_made() -> None:
    client = client_of("marketing")
    ask(client, "members.member")
    assert "hx-get" in client.get("/console/exports/", HTTP_HX_REQUEST="true").content.decode()
    jobs.run_due(now=NOON)
    assert "hx-get" not in client.get("/console/exports/", HTTP_HX_REQUEST="true").content.decode()


def test_no_list_that_is_not_of_the_admin_is_found() -> None:
    hidden = [model for model in apps.get_models() if not admin.site.is_registered(model)]
    assert len(hidden) > 20
    for model in hidden:
        with pytest.raises(NoSuchList):
            find(model._meta.label_lower)


def test_the_page_of_my_files_asks_as_often_for_many_as_for_few() -> None:
    client = client_of("marketing")

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/console/exports/").status_code == 200
        return len(captured)

    for number in range(3):
        ask(client, "members.member")
        jobs.run_due(now=NOON)
        if number == 0:
            asked()  # what a process keeps for ever is read once
            few = asked()
    assert asked() == few


@pytest.mark.parametrize(
    "query", ["q=%00", "q=" + "x" * 3_000, "o=99.x.-", "p=nonsense", "all=", "city__x=1", "%", "&&==", "e=1"]
)
def test_no_query_is_a_fault(query: str) -> None:
    client = client_of("marketing")
    assert client.get("/console/exports/new/", {"list": "members.member", "query": query}).status_code in (200, 404)
    assert ask(client, "members.member", query).status_code in (302, 400, 404)
    jobs.run_due(now=NOON)
    assert not Job.objects.exclude(state="DONE").exists()
