"""What Beat rings for. Short intervals only: rows decide what is due, a missed tick changes nothing."""

from typing import Any

from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from campaigns.services.mirror import PREFIX as MIRRORED
from foundation.queue import STALE_SECONDS

EVERY_SECONDS: dict[str, int] = {
    "campaigns.fire_due": 10,
    "campaigns.freeze_open": 10,
    "delivery.pump_bulk": 5,
    "delivery.pump_urgent": 5,
    "delivery.merge_receipts": 5,
    "delivery.sweep": 5,
    "delivery.ask_unsure": 10,
    "delivery.ask_balances": 600,
    "foundation.run_outbox": 5,
    "foundation.run_jobs": 10,
    "foundation.seal_ledgers": 60,
    "foundation.clear_nonces": 300,
    "foundation.clear_files": 600,
    "foundation.tell_webhooks": 5,
}
NIGHTLY: dict[str, tuple[int, int]] = {
    "delivery.sweep_daily": (3, 10),
    "foundation.apply_retention": (3, 15),
    "members.roll_up": (3, 30),
    "members.clear_imports": (3, 40),
    "campaigns.drop_audiences": (3, 50),
    "foundation.clear_sessions": (4, 0),
    "foundation.prove_ledgers": (4, 30),
}


def sync() -> None:
    """Make Beat's rows equal to this file. A repeat changes nothing."""
    for task, seconds in EVERY_SECONDS.items():
        interval, _made = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
        _put(task, interval=interval, crontab=None, expire_seconds=max(seconds, STALE_SECONDS))
    for task, (hour, minute) in NIGHTLY.items():
        crontab, _made = CrontabSchedule.objects.get_or_create(
            hour=str(hour), minute=str(minute), day_of_week="*", day_of_month="*", month_of_year="*",
            timezone="Asia/Shanghai",
        )  # fmt: skip
        _put(task, interval=None, crontab=crontab, expire_seconds=None)
    known = [*EVERY_SECONDS, *NIGHTLY, "celery.backend_cleanup"]
    PeriodicTask.objects.exclude(name__in=known).exclude(name__startswith=MIRRORED).delete()


def _put(task: str, **facts: Any) -> None:
    facts["task"] = task
    row, made = PeriodicTask.objects.get_or_create(name=task, defaults=facts)
    if not made and any(getattr(row, name) != value for name, value in facts.items()):
        for name, value in facts.items():
            setattr(row, name, value)
        row.save()
