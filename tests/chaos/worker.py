"""A worker process: sends chunk by chunk at one instant until nothing may go, or until its fail-point kills it."""

import os
import sys
from datetime import datetime

import django


def main(now: datetime) -> None:
    """Set Django up as a worker does, then pump."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()

    from delivery.services import pump

    while pump.send_chunk(lane="bulk", clock=lambda: now):
        pass


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]))
