"""manage.py stop: end the running console, and services that a killed one left behind."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from console.embedded import EmbeddedError, locate
from console.embedded.sharing import stop_orphans
from console.supervisor.instance import stop_instance


class Command(BaseCommand):
    help = "Stop the console that runs from this state folder."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = locate(os.environ)
            if not place.exists:
                self.stdout.write("Nothing was running.")
                return
            stopped = stop_instance(place)
            left = stop_orphans(place)
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        if stopped:
            self.stdout.write("Stopped.")
        elif left:
            self.stdout.write(f"Stopped what a killed command had left: {', '.join(left)}.")
        else:
            self.stdout.write("Nothing was running.")
