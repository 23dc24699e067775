"""manage.py status: which parts run, where, and since when."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from console.embedded import EmbeddedError, locate
from console.supervisor.instance import running_instance
from console.supervisor.report import lines

NOT_RUNNING = 3


class Command(BaseCommand):
    help = "Show what runs; the exit code is 0 when the console runs and 3 when not."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = locate(os.environ)
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        for line in lines(place):
            self.stdout.write(line)
        if running_instance(place) is None:
            sys.exit(NOT_RUNNING)
