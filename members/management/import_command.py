"""What the four import commands share."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from foundation import clock
from foundation.db import pending_migrations
from foundation.errors import DomainError
from members.services.imports import import_now
from members.services.imports.run import report_of


class ImportCommand(BaseCommand):
    """Imports one file in this process; the exit code tells whether every row came in."""

    kind: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file and how to report."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="read and judge every row, write nothing")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then print the report."""
        if pending_migrations():
            raise CommandError("This database is empty or old. Run `manage.py migrate` first, or `make run` once.")
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            imported = import_now(
                kind=self.kind, path=path, name=path.name, by=None, now=clock.now(), is_dry_run=options["dry_run"]
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        report = report_of(imported)
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return
        self.stdout.write("read {read}  new {new}  changed {changed}  same {same}  refused {refused}".format(**report))
        if report["refused"]:
            self.stdout.write(f"reasons: {report['error_file']}")
