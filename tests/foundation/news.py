"""Handlers and runners that the tests of outbox and jobs name by dotted path."""

from datetime import datetime
from typing import Any

from foundation.errors import DomainError
from foundation.models import AuditEntry, Job
from foundation.services import audit, jobs


def note(*, payload: dict[str, Any], now: datetime) -> None:
    """Leave a trace."""
    audit.record(action="heard", subject=payload["name"], by=None, now=now)


def fail(*, payload: dict[str, Any], now: datetime) -> None:
    """Leave a trace, then break."""
    note(payload=payload, now=now)
    raise ValueError("broken")


def fail_once(*, payload: dict[str, Any], now: datetime) -> None:
    """Break until somebody left a trace called "mended"."""
    if not AuditEntry.objects.filter(action="mended").exists():
        raise ValueError("broken")
    note(payload=payload, now=now)


def count_to_three(*, job: Job, now: datetime) -> dict[str, Any]:
    """Three chunks with their progress, from where an earlier worker stopped."""
    for done in range(job.done_count + 1, 4):
        audit.record(action="counted", subject=f"{job.pk}:{done}", by=None, now=now)
        jobs.report_progress(job=job, done_count=done, total_count=3, report={"at": done})
    return {"at": 3}


def refuse(*, job: Job, now: datetime) -> None:
    """End with a sentence."""
    raise DomainError("The file is empty.")


def crash(*, job: Job, now: datetime) -> None:
    """End with a fault."""
    raise KeyError("phone")
