"""`python manage.py import_order_lines FILE`."""

from members.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import order lines from a CSV file (UTF-8 or GB18030)."
    kind = "ORDER_LINES"
