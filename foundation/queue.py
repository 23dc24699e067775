"""The doorbell: tells a worker that there is work in the database. Carries ids, never payloads."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

STALE_SECONDS = 60  # an older ring that nobody answered is dropped, so that rings don't pile up while all are busy

log = logging.getLogger(__name__)


def ring(task: str, **ids: Any) -> None:
    """
    Ask for `task` after the running transaction commits; at once when there is none.

    A lost or stale ring costs seconds, never work: Beat rings for every kind of work as the net,
    so an unreachable broker is logged and not raised.
    """
    transaction.on_commit(lambda: _send(task, ids))


def _send(task: str, ids: dict[str, Any]) -> None:
    try:
        current_app.send_task(task, kwargs=ids, retry=False, ignore_result=True, expires=STALE_SECONDS)
    except OperationalError:
        log.warning("ring_lost", extra={"task": task})
