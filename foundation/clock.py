"""The only reader of the system clock. Interfaces call it; everything below takes `now` as an argument."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """
    The present instant, aware, in UTC; shifted by settings.CLOCK_OFFSET_SECONDS.

    The shift is for tests and for trying the demo at night. Leases use the database's clock and do not move.
    """
    return timezone.now() + timedelta(seconds=settings.CLOCK_OFFSET_SECONDS)
