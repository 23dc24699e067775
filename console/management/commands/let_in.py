"""`manage.py let_in NAME`: the way in when nobody inside can help."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation import clock
from foundation.errors import DomainError
from foundation.models import Operator
from foundation.services.access import let_in


class Command(BaseCommand):
    help = "Unlock an operator, untie their phone and print a one-time password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="login name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            password = let_in(username=options["username"], now=clock.now())
        except (Operator.DoesNotExist, DomainError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"One-time password: {password}")
