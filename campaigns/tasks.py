"""Tasks of the campaigns' room."""

from celery import shared_task

from campaigns.services import freeze, retention, runs
from delivery.services import sweep
from foundation import clock


@shared_task(name="campaigns.fire_due", ignore_result=True)
def fire_due(**_ignored: object) -> None:
    """Make the runs whose time has come."""
    runs.fire_due(now=clock.now())
    sweep.beat(name="clock", now=clock.now())


@shared_task(name="campaigns.freeze_open", ignore_result=True)
def freeze_open(**_ignored: object) -> None:
    """Freeze what was fired, or left behind by a killed worker."""
    freeze.freeze_open(now=clock.now())


@shared_task(name="campaigns.drop_audiences", ignore_result=True)
def drop_audiences(**_ignored: object) -> None:
    """Delete audiences that are older than messages are kept."""
    retention.drop_audiences(now=clock.now())
