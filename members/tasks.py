"""Tasks of the members' room."""

from celery import shared_task

from foundation import clock
from members.services import rollup


@shared_task(name="members.roll_up", ignore_result=True)
def roll_up(**_ignored: object) -> None:
    """Recency bands and lifecycle move with the calendar."""
    rollup.roll_up(now=clock.now())
