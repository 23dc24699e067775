"""Publishing news and running its handlers."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from foundation import queue
from foundation.models import OutboxEvent

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 5
LAST_RETRY_SECONDS = 600


def publish(*, topic: str, payload: dict[str, Any], now: datetime) -> OutboxEvent:
    """Write news in the caller's transaction; its handlers run after the commit, at least once."""
    event = OutboxEvent.objects.create(topic=topic, payload=payload, created_at=now, not_before=now)
    queue.ring("foundation.run_outbox")
    return event


def run_due(*, now: datetime, limit: int = 100) -> int:
    """
    Run the handlers of up to `limit` due events, oldest first; returns how many succeeded.

    Each event is locked while its handlers run, so two workers never run the same one at once.
    """
    done = 0
    for _attempt in range(limit):
        succeeded = _run_next(now=now)
        if succeeded is None:
            break
        done += succeeded
    return done


@transaction.atomic
def _run_next(*, now: datetime) -> bool | None:
    """Run the oldest due event that nobody holds; whether it succeeded, None when there is none."""
    due = OutboxEvent.objects.select_for_update(skip_locked=True).filter(done_at__isnull=True, not_before__lte=now)
    event = due.order_by("not_before", "id").first()
    if event is None:
        return None
    event.attempts_count += 1
    try:
        with transaction.atomic():
            for path in settings.OUTBOX_HANDLERS.get(event.topic, ()):
                import_string(path)(payload=event.payload, now=now)
    except Exception as broken:  # a handler of any room may fail in any way; the event must stay and wait
        event.last_error = f"{type(broken).__name__}: {broken}"[:1000]
        event.not_before = now + retry_delay(event.attempts_count)
        log.exception("outbox_failed", extra={"topic": event.topic, "event_id": event.pk})
    else:
        event.last_error, event.done_at = "", now
    event.save(update_fields=["attempts_count", "last_error", "not_before", "done_at"])
    return event.done_at is not None


def retry_delay(attempts_count: int) -> timedelta:
    """5 s, 10 s, 20 s … up to ten minutes."""
    return timedelta(seconds=min(FIRST_RETRY_SECONDS * 2 ** (attempts_count - 1), LAST_RETRY_SECONDS))
