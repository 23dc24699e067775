"""`python manage.py demo_logins`: who may log in to the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from console.demo.load import OPERATORS, PASSWORD
from foundation.models import Operator


class Command(BaseCommand):
    help = "Print the demo logins that exist here."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line per login."""
        demo = set(Operator.objects.filter(is_demo=True, is_active=True).values_list("username", flat=True))
        if not demo:
            return
        self.stdout.write(f"Office {settings.WEB_URL}/console/   Till {settings.WEB_URL}/till/")
        for username, (role, name) in OPERATORS.items():
            if username in demo:
                self.stdout.write(f"  {username:<10} {PASSWORD}   {name} ({role})")
