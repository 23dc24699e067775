"""`python manage.py sync`: roles, schedule and partitions as the code says."""

from typing import Any

from django.core.management.base import BaseCommand

from console import permissions, schedule
from delivery.services.retention import ensure_partitions
from foundation import clock


class Command(BaseCommand):
    help = "Bring roles, Beat's schedule and message partitions up to date; a repeat changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sync all three."""
        permissions.sync()
        schedule.sync()
        ensure_partitions(now=clock.now())
