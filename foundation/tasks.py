"""Tasks of the bottom room."""

from celery import shared_task

from foundation import clock
from foundation.services import jobs, outbox


@shared_task(name="foundation.run_outbox", ignore_result=True)
def run_outbox(**_ignored: object) -> None:
    """Run the handlers of due news."""
    outbox.run_due(now=clock.now())


@shared_task(name="foundation.run_jobs", ignore_result=True)
def run_jobs(**_ignored: object) -> None:
    """Run waiting jobs, and take up those whose worker died."""
    jobs.run_due(now=clock.now())
