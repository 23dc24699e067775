"""`python manage.py import_orders FILE`."""

from members.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import orders from a CSV file (UTF-8 or GB18030)."
    kind = "ORDERS"
