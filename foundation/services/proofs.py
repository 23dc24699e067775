"""The nightly proof that ledgers agree: each room checks its own, this room keeps the results and tells a person."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from foundation.errors import HasMoved
from foundation.models import Job, JobState, LedgerProof, Operator
from foundation.services import alerts, audit, jobs

SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Found:
    """What one check saw: rows looked at, rows that don't agree, numbers of the first of those (never phones)."""

    name: str
    checked_count: int
    wrong_count: int
    samples: list[Any] = field(default_factory=list)


def run_all(*, now: datetime) -> list[LedgerProof]:
    """
    Run every check that settings.LEDGER_PROOFS names, keep what it saw, and open or clear its alert.

    Each check reads in one snapshot of its own; a repeat adds newer results.
    """
    return [_keep(found, now=now) for path in settings.LEDGER_PROOFS for found in _run(path, now=now)]


KIND = "foundation.proofs"


@transaction.atomic
def ask(*, by: Operator, now: datetime) -> Job:
    """
    Prove the ledgers now, in the background. Raises HasMoved while one such proof waits or runs.

    Two who ask in the same instant may both be heard; the ledgers are then proved twice, which harms nothing.
    """
    if Job.objects.filter(kind=KIND, state__in=[JobState.QUEUED, JobState.RUNNING]).exists():
        raise HasMoved(_("The ledgers are being proved already."))
    job = jobs.enqueue(kind=KIND, title=_("Ledger proofs"), params={}, by=by, now=now)
    audit.record(action="proofs.asked", subject=f"foundation.job:{job.pk}", by=by, now=now)
    return job


def run_job(*, job: Job, now: datetime) -> dict[str, Any]:
    """The same as the nightly proof; between two rooms the lease is renewed. May run twice: results are only added."""
    paths = settings.LEDGER_PROOFS
    wrong = 0
    for number, path in enumerate(paths, start=1):
        wrong += sum(_keep(found, now=now).wrong_count for found in _run(path, now=now))
        jobs.report_progress(job=job, done_count=number, total_count=len(paths), report={"wrong": wrong})
    return {"wrong": wrong}


def _run(path: str, *, now: datetime) -> Iterable[Found]:
    found: Iterable[Found] = import_string(path)(now=now)
    return found


@transaction.atomic
def _keep(found: Found, *, now: datetime) -> LedgerProof:
    proof = LedgerProof.objects.create(
        name=found.name, at=now, checked_count=found.checked_count, wrong_count=found.wrong_count,
        samples=found.samples[:SAMPLES],
    )  # fmt: skip
    subject = f"foundation.ledgerproof:{found.name}"
    if found.wrong_count:
        alerts.raise_alert(code="LEDGER_WRONG", subject=subject, now=now, check=found.name, wrong=found.wrong_count)
    else:
        alerts.clear(code="LEDGER_WRONG", subject=subject, now=now)
    return proof
