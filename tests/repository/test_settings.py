import re

from console import embedded, settings
from tests.repository.sources import ROOT

READ = settings.env.seen | set(embedded.VARIABLES)


def test_every_variable_that_is_read_stands_in_the_example_and_no_other():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert set(re.findall(r"^#?\s*([A-Z][A-Z_]+)=", text, re.MULTILINE)) == READ


def test_every_variable_that_is_read_stands_in_the_reference_and_no_other():
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `([A-Z][A-Z_]+)` \|", text, re.MULTILINE)) == READ


def test_only_the_settings_and_what_runs_before_them_read_the_environment():
    allowed = ("console/env.py", "console/settings.py", "console/embedded/", "console/supervisor/", "manage.py")
    readers = [
        str(path.relative_to(ROOT))
        for room in ("foundation", "members", "templates_sms", "coupons", "delivery", "campaigns", "console")
        for path in (ROOT / room).rglob("*.py")
        if "os.environ" in path.read_text(encoding="utf-8") or "getenv" in path.read_text(encoding="utf-8")
    ]

    beyond = [path for path in readers if not path.startswith(allowed)]
    assert [path for path in beyond if not path.startswith("console/management/commands/")] == [
        path for path in beyond if path in ("console/wsgi.py", "console/celery.py")
    ]
