"""`python manage.py import_stores FILE`."""

from members.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import stores from a CSV file (UTF-8 or GB18030)."
    kind = "STORES"
