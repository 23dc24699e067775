"""The doorbell: tells a worker that there is work in the database. Carries ids, never payloads."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(task: str, **ids: Any) -> None:
    """
    Ask for `task` after the running transaction commits; at once when there is none.

    A lost ring costs seconds, never work: Beat rings for every kind of work as the net,
    so an unreachable broker is logged and not raised.
    """
    transaction.on_commit(lambda: _send(task, ids))


def _send(task: str, ids: dict[str, Any]) -> None:
    try:
        current_app.send_task(task, kwargs=ids, retry=False, ignore_result=True)
    except OperationalError:
        log.warning("ring_lost", extra={"task": task})
