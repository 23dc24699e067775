"""
A worker process that pumps, sweeps, merges receipts and asks about the unsure, until it is killed.

With `--resend` it is the worker nobody should write: what it lost after the fence it sends again.
"""

import os
import sys
import time
from datetime import datetime

import django

SWEEP_SECONDS = 0.3


def resend_lost(*, now: datetime) -> int:
    """Give every chunk whose lease ran out back to the queue, the fenced ones too."""
    from django.db import transaction
    from django.db.models.functions import Now

    from delivery.models import Handoff
    from delivery.services.caps import give_back_slots
    from delivery.services.ledger import Move, move

    with transaction.atomic():
        lost = list(Handoff.objects.select_for_update().filter(state__in=["TAKEN", "FENCED"], lease_until__lt=Now()))
        for one in lost:
            give_back_slots(message_ids=one.message_ids)
            move(month=one.month, moves=[Move(number, "PLANNED", "RESENT") for number in one.message_ids], now=now)
        Handoff.objects.filter(pk__in=[one.pk for one in lost]).update(state="RETURNED")
    return len(lost)


def main() -> None:
    """Set Django up as a worker does, then work without end."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()

    from delivery import tasks
    from delivery.services import pump, sweep
    from foundation import clock

    if "--resend" in sys.argv:
        sweep.return_lost = resend_lost
    sys.stdout.write("up\n")
    sys.stdout.flush()
    swept_at = 0.0
    while True:
        sent = pump.send_chunk(lane="bulk", clock=clock.now)
        tasks.merge_receipts()
        if time.monotonic() - swept_at > SWEEP_SECONDS:
            tasks.sweep_all()
            tasks.ask_unsure()
            swept_at = time.monotonic()
        if not sent:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
