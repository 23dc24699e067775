"""`python manage.py import_members FILE`."""

from members.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import members from a CSV file (UTF-8 or GB18030)."
    kind = "MEMBERS"
