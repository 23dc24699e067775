"""Every field has a rule, every service that deletes rings at night, and the page says what the file says."""

from django.core.checks import run_checks

from console.schedule import EVERY_SECONDS, NIGHTLY
from foundation.services.retention_file import load
from foundation.services.retention_page import page
from tests.repository.sources import ROOT


def found() -> list[str]:
    return [one.msg for one in run_checks() if one.id == "foundation.E002"]


def test_every_field_of_every_model_has_one_rule():
    assert found() == []


def test_a_field_without_a_rule_stops_the_start(settings, tmp_path):
    text = settings.RETENTION_FILE.read_text(encoding="utf-8")
    settings.RETENTION_FILE = tmp_path / "data_retention.toml"
    settings.RETENTION_FILE.write_text(text.replace("birthday ", ""), encoding="utf-8")

    assert found() == ["members.Member: field birthday has no rule"]


def test_every_service_that_is_named_is_rung_for_by_beat():
    tasks = {rule.task for one in load()[0].values() for rule in one.rules if rule.by}

    assert tasks and tasks <= {*EVERY_SECONDS, *NIGHTLY}
    assert "foundation.apply_retention" in NIGHTLY


def test_the_page_is_what_the_file_says():
    written = (ROOT / "docs" / "reference" / "retention.md").read_text(encoding="utf-8")

    assert written == page(), "run: python manage.py retention > docs/reference/retention.md"
