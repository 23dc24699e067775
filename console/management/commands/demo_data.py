"""`python manage.py demo_data`: the demo chain."""

from typing import Any

from django.core.management.base import BaseCommand

from console import permissions
from console.demo import load
from foundation import clock


class Command(BaseCommand):
    help = "Load the demo chain, once."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it unless it is there."""
        if load.is_loaded():
            return
        self.stdout.write("Loading the demo chain (about 20 seconds, once)")
        permissions.sync()
        load.load(now=clock.now(), say=self.stdout.write)
