"""Long work: queued, held by one worker at a time, taken up again when the worker dies."""

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from psycopg.types.json import Jsonb

from foundation import queue
from foundation.errors import DomainError
from foundation.models import Job, JobState, Operator

log = logging.getLogger(__name__)

LEASE_SECONDS = 60


class JobCancelled(DomainError):
    """Somebody asked the job to stop."""

    code = "JOB_CANCELLED"


class JobLost(DomainError):
    """The lease ran out and another worker holds the job now."""

    code = "JOB_LOST"


def enqueue(*, kind: str, title: str, params: dict[str, Any], by: Operator | None, now: datetime) -> Job:
    """Queue a job; a worker of the background lane takes it after the commit."""
    job = Job.objects.create(kind=kind, title=title, params=params, by=by, created_at=now)
    queue.ring("foundation.run_jobs")
    return job


def run_due(*, now: datetime, limit: int = 10) -> int:
    """Run waiting jobs and those whose worker died; returns how many were run."""
    done = 0
    while done < limit and (job_id := claim_next(now=now)):
        run(job_id=job_id, now=now)
        done += 1
    return done


CLAIM = """
UPDATE foundation_job SET state = 'RUNNING', started_at = COALESCE(started_at, %(now)s),
       lease_until = now() + make_interval(secs => %(lease)s)
WHERE id = (SELECT id FROM foundation_job
            WHERE (state = 'QUEUED' OR (state = 'RUNNING' AND lease_until < now()))
              AND (%(job_id)s::bigint IS NULL OR id = %(job_id)s)
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def claim_next(*, now: datetime, job_id: int | None = None) -> int | None:
    """Take the oldest open job (or `job_id`) under a lease; None when there is none to take."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": LEASE_SECONDS, "job_id": job_id})
        row = cursor.fetchone()
    return row[0] if row else None


def run(*, job_id: int, now: datetime) -> None:
    """Call the runner of a claimed job and write its end; a runner's crash becomes FAILED with a sentence."""
    job = Job.objects.get(pk=job_id)
    try:
        report = import_string(settings.JOB_RUNNERS[job.kind])(job=job, now=now)
    except JobCancelled:
        _finish(job_id, JobState.CANCELLED, now=now)
    except JobLost:
        log.warning("job_lost", extra={"job_id": job_id})
    except DomainError as refusal:
        _finish(job_id, JobState.FAILED, now=now, error=str(refusal))
    except Exception:  # the job must end with a sentence whatever its runner met
        log.exception("job_failed", extra={"job_id": job_id, "kind": job.kind})
        _finish(job_id, JobState.FAILED, now=now, error=str(_("The work stopped at a fault of the program.")))
    else:
        _finish(job_id, JobState.DONE, now=now, report=report or {})


def _finish(job_id: int, state: JobState, *, now: datetime, error: str = "", report: Any = None) -> None:
    changes: dict[str, Any] = {"state": state, "finished_at": now, "error": error, "lease_until": None}
    if report is not None:
        changes["report"] = report
    Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(**changes)


HOLD = """
UPDATE foundation_job SET done_count = %(done)s, total_count = GREATEST(%(total)s, %(done)s), report = %(report)s,
       lease_until = now() + make_interval(secs => %(lease)s)
WHERE id = %(job_id)s AND state = 'RUNNING' AND done_count = %(known)s RETURNING cancel_requested
"""


def report_progress(*, job: Job, done_count: int, total_count: int, report: dict[str, Any]) -> None:
    """
    Move the bar and renew the lease, in the transaction of the chunk that it speaks of.

    Raises JobCancelled when somebody asked to stop, JobLost when the job is no longer running or another
    worker has moved it on since; the chunk is then rolled back. The bar itself is the compare-and-swap:
    of two workers that both think they hold the job, one commits a chunk.
    """
    params: dict[str, Any] = {
        "done": done_count, "total": total_count, "report": Jsonb(report), "job_id": job.pk, "known": job.done_count,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(HOLD, {**params, "lease": LEASE_SECONDS})
        row = cursor.fetchone()
    if row is None:
        raise JobLost(_("This work is no longer running."))
    if row[0]:
        raise JobCancelled(_("This work was stopped."))
    job.done_count, job.total_count, job.report = done_count, total_count, report


@transaction.atomic
def cancel(*, job_id: int, by: Operator, now: datetime) -> None:
    """Ask a job to stop; a waiting one ends at once, a running one after its chunk. A repeat changes nothing."""
    waiting = Job.objects.filter(pk=job_id, state=JobState.QUEUED)
    if not waiting.update(state=JobState.CANCELLED, finished_at=now):
        Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(cancel_requested=True)


@transaction.atomic
def resume(*, job_id: int) -> bool:
    """
    Queue a stopped or failed job again; it goes on behind its last committed step.

    Returns whether this call did it. A repeat changes nothing.
    """
    ended = Job.objects.filter(pk=job_id, state__in=(JobState.CANCELLED, JobState.FAILED))
    queued = ended.update(state=JobState.QUEUED, cancel_requested=False, error="", finished_at=None, lease_until=None)
    if queued:
        queue.ring("foundation.run_jobs")
    return bool(queued)
