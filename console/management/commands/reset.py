"""manage.py reset: delete every row, secret and log of this clone."""

import os
import shutil
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from console.embedded import EmbeddedError, Place, locate
from console.embedded.sharing import in_use, stop_services, turn
from console.supervisor.instance import running_instance


class Command(BaseCommand):
    help = "Delete the state folder: database, secrets, logs. Refused while the console runs."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = locate(os.environ)
            if not place.exists:
                self.stdout.write(f"There is nothing to delete in {place.folder}.")
                return
            if not (options["yes"] or self._agreed(place)):
                raise CommandError("Nothing was deleted.")
            self._delete(place)
        except EmbeddedError as error:
            raise CommandError(str(error)) from error

    def _agreed(self, place: Place) -> bool:
        self.stdout.write(f"This deletes {place.folder}: every row, the keys in secrets.json, all logs.")
        try:
            return input('Type "yes" to delete: ').strip() == "yes"
        except EOFError:
            return False

    def _delete(self, place: Place) -> None:
        with turn(place):
            if running_instance(place) is not None or in_use(place):
                raise CommandError("The console or another command runs; `make stop` first.")
            stop_services(place)
            shutil.rmtree(place.folder)
        self.stdout.write(f"Deleted {place.folder}.")
