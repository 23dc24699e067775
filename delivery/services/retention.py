"""What is kept and for how long: partitions made ahead, detached and dropped; short-lived rows cleared away."""

import logging
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import OperationalError, transaction

from delivery.rules.window import SHANGHAI, month_after, month_of, months_before
from foundation.db import execute, fetch_all, load_sql
from foundation.services import alerts

log = logging.getLogger(__name__)

REFERENCE_DAYS = 14  # receipts come within three days; support may ask for more
CAP_DAYS = 8
HANDOFF_DAYS = 14
NOTE_DAYS = 90
CHUNK = 10_000
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"


def ensure_partitions(*, now: datetime) -> None:
    """Make the partitions of this and the next month."""
    for month in (month_of(now), month_after(month_of(now))):
        execute("SELECT delivery_ensure_partition(%(month)s)", {"month": month})


def drop_old_messages(*, now: datetime) -> list[date]:
    """
    Detach and drop the ledger's partitions older than settings.RETENTION_MONTHS; returns their months.

    The months kept are whole ones beside the running one. Tallies, and with them every report, stay. Waits at most
    three seconds for the ledger's lock; what is busy is dropped the next night.
    """
    limit = months_before(month_of(now), settings.RETENTION_MONTHS)
    dropped = []
    for name, month in fetch_all(load_sql("delivery", "partitions")):
        if month < limit and _drop(name, month, now=now):
            dropped.append(month)
    return dropped


def _drop(name: str, month: date, *, now: datetime) -> bool:
    subject = f"delivery.message:{month:%Y-%m}"
    # Before the lock: nobody has to wait while millions are deleted.
    _clear("delivery_attempt", "id", "month = %(limit)s", month)
    try:
        with transaction.atomic(durable=True):
            execute(LOCK_TIMEOUT)
            execute(f'ALTER TABLE delivery_message DETACH PARTITION "{name}"')
            execute("DELETE FROM delivery_unsuremessage WHERE month = %(month)s", {"month": month})
            execute(f'DROP TABLE "{name}"')
    except OperationalError as busy:
        alerts.raise_alert(code="RETENTION_BUSY", subject=subject, now=now, kind=type(busy).__name__)
        return False
    log.info("partition_dropped", extra={"partition": name})
    alerts.clear(code="RETENTION_BUSY", subject=subject, now=now)
    return True


# Table, column of time, days. Rows are insert-only, so the oldest have the lowest ids.
SHORT_LIVED: list[tuple[str, str, str, int]] = [
    ("delivery_vendorref", "id", "created_at < %(limit)s", REFERENCE_DAYS),
    ("delivery_capentry", "message_id", "at < %(limit)s", CAP_DAYS),
    ("delivery_handoff", "id", "state IN ('RECORDED', 'RETURNED') AND created_at < %(limit)s", HANDOFF_DAYS),
    ("delivery_channelnote", "id", "at < %(limit)s", NOTE_DAYS),
]


def clear_short_lived(*, now: datetime) -> int:
    """Delete references, used-up cap slots, ended hand-offs and old notes, in chunks; returns how many."""
    return sum(_clear(table, key, condition, now - timedelta(days=days)) for table, key, condition, days in SHORT_LIVED)


def clear_inbox(*, now: datetime) -> int:
    """
    Delete receipts that came before the months kept, and forget who clicked then; returns how many rows.

    Clicks stay without their visitor, so that what was counted of a link stays true.
    """
    limit = datetime.combine(months_before(month_of(now), settings.RETENTION_MONTHS), time(), SHANGHAI)
    tables = ("delivery_receipt", "delivery_unreadnote")
    cleared = sum(_clear(table, "id", "received_at < %(limit)s", limit) for table in tables)
    return cleared + execute(FORGET_VISITORS, {"limit": limit})


FORGET_VISITORS = "UPDATE delivery_click SET visitor = NULL WHERE visitor IS NOT NULL AND at < %(limit)s"


def _clear(table: str, key: str, condition: str, limit: date) -> int:
    oldest = f"SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT {CHUNK}"
    delete = f"DELETE FROM {table} WHERE {key} IN ({oldest})"
    cleared = 0
    while True:
        gone = execute(delete, {"limit": limit})
        cleared += gone
        if gone < CHUNK:
            return cleared
