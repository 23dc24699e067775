"""Tasks of the delivery room. Each may run twice, late, or in several workers at once."""

import time
from collections.abc import Callable

from celery import shared_task
from django.conf import settings

from delivery.services import balances, pump, receipts, retention, sweep, unsure
from foundation import clock, queue
from foundation.db import advisory_slot

PUMP_SECONDS = 20


def _work_in_slot(task: str, slots: int, step: Callable[[], int]) -> None:
    """Work while there is work, at most 20 seconds, as one of `slots`; rings again when work is left."""
    until = time.monotonic() + PUMP_SECONDS
    with advisory_slot(task, slots) as held:
        while held and step():
            if time.monotonic() > until:
                queue.ring(task)
                return


@shared_task(name="delivery.pump_bulk", ignore_result=True)
def pump_bulk(**_ignored: object) -> None:
    """Send marketing, chunk by chunk, for at most 20 seconds."""
    _work_in_slot("delivery.pump_bulk", settings.BULK_SLOTS, lambda: pump.send_chunk(lane="bulk", clock=clock.now))


@shared_task(name="delivery.pump_urgent", ignore_result=True)
def pump_urgent(**_ignored: object) -> None:
    """Send codes and notices, chunk by chunk, for at most 20 seconds."""
    _work_in_slot(
        "delivery.pump_urgent", settings.URGENT_SLOTS, lambda: pump.send_chunk(lane="urgent", clock=clock.now)
    )


@shared_task(name="delivery.merge_receipts", ignore_result=True)
def merge_receipts(**_ignored: object) -> None:
    """Merge waiting receipts."""
    _work_in_slot("delivery.merge_receipts", 1, lambda: receipts.merge_receipts(now=clock.now()))


@shared_task(name="delivery.sweep", ignore_result=True)
def sweep_all(**_ignored: object) -> None:
    """Give back what dead workers held, end what is over, fold the counts."""
    if sweep.sweep(now=clock.now()):
        queue.ring("delivery.sweep")


@shared_task(name="delivery.sweep_daily", ignore_result=True)
def sweep_daily(**_ignored: object) -> None:
    """Partitions ahead and behind, receipts that never came."""
    retention.ensure_partitions(now=clock.now())
    sweep.mark_unreported(now=clock.now())
    retention.drop_old_messages(now=clock.now())


@shared_task(name="delivery.ask_unsure", ignore_result=True)
def ask_unsure(**_ignored: object) -> None:
    """Ask providers about messages they may or may not have taken."""
    _work_in_slot("delivery.ask_unsure", 1, lambda: unsure.ask_due(clock=clock.now))


@shared_task(name="delivery.ask_balances", ignore_result=True)
def ask_balances(**_ignored: object) -> None:
    """Ask providers how much money is left."""
    balances.ask_all(clock=clock.now)
