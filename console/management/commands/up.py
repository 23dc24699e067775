"""manage.py up: run the whole console on this machine."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from console.embedded import EmbeddedError, locate
from console.embedded.attaching import current_membership
from console.embedded.place import prepare
from console.supervisor.up import run


class Command(BaseCommand):
    help = "Run database, broker, web server, workers, clock and carrier simulator until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="do not load the demo data")
        # Read before the settings (console.embedded.attaching), declared here for --help.
        parser.add_argument("--port", type=int, help="web server's port; the next free one if taken")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = locate(os.environ)
            prepare(place)
            run(place=place, membership=current_membership(), demo=not options["no_demo"])
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
