import subprocess
import sys

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command

from console.management.commands import roles_table
from tests.repository.sources import ROOT


def test_rooms_and_their_insides_call_downwards_only():
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    told = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert told.returncode == 0, told.stdout


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_name_in_settings_leads_somewhere():
    assert [one for one in run_checks() if one.id == "foundation.E001"] == []


def test_a_name_that_leads_nowhere_is_found(settings):
    settings.JOB_RUNNERS = {"x": "members.nowhere.run"}

    assert [one.id for one in run_checks() if one.id == "foundation.E001"] == ["foundation.E001"]


def test_every_topic_that_is_published_has_a_handler():
    published = set()
    for path in ROOT.glob("*/services/**/*.py"):
        text = path.read_text(encoding="utf-8")
        published |= {part.split('"')[0] for part in text.split('outbox.publish(topic="')[1:]}

    assert published and published <= set(settings.OUTBOX_HANDLERS)


def test_the_table_of_roles_is_the_one_of_the_code():
    assert (ROOT / "docs" / "reference" / "roles.md").read_text(encoding="utf-8") == roles_table.table()
