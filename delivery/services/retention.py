"""The ledger by the month: partitions made ahead, detached and dropped. All else is in data_retention.toml."""

import logging
from datetime import date, datetime

from django.conf import settings
from django.db import OperationalError, transaction

from delivery.rules.window import month_after, month_of, months_before
from foundation.db import execute, fetch_all, load_sql
from foundation.services import alerts

log = logging.getLogger(__name__)

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


def _clear(table: str, key: str, condition: str, limit: date) -> int:
    oldest = f"SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT {CHUNK}"
    delete = f"DELETE FROM {table} WHERE {key} IN ({oldest})"
    cleared = 0
    while True:
        gone = execute(delete, {"limit": limit})
        cleared += gone
        if gone < CHUNK:
            return cleared
