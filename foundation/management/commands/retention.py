"""Print docs/reference/retention.md."""

from typing import Any

from django.core.management.base import BaseCommand

from foundation.services.retention_page import page


class Command(BaseCommand):
    """Prints how long things are kept, as a page."""

    help = "Print how long things are kept, as docs/reference/retention.md shows it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(), ending="")
