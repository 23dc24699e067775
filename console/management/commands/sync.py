"""`python manage.py sync`: roles, schedule and partitions as the code says."""

from typing import Any

from django.core.management.base import BaseCommand

from console import permissions, schedule
from delivery.queries.watch import BEATING
from delivery.services.retention import ensure_partitions
from delivery.services.sweep import beat
from foundation import clock


class Command(BaseCommand):
    help = "Bring roles, Beat's schedule and message partitions up to date; a repeat changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sync all three, and count the machine's silence from now: what is about to start can't have spoken yet."""
        permissions.sync()
        schedule.sync()
        ensure_partitions(now=clock.now())
        for name in BEATING:
            beat(name=name, now=clock.now())
