"""Tasks of the members' room."""

from celery import shared_task

from foundation import clock
from members.services import rollup
from members.services.imports import clearing


@shared_task(name="members.roll_up", ignore_result=True)
def roll_up(**_ignored: object) -> None:
    """Recency bands and lifecycle move with the calendar."""
    rollup.roll_up(now=clock.now())


@shared_task(name="members.clear_imports", ignore_result=True)
def clear_imports(**_ignored: object) -> None:
    """Uploaded files and the changes that can no longer be undone."""
    clearing.clear_imports(now=clock.now())
