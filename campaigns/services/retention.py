"""Audiences go with the messages they became; what reports say of them stays on the run."""

import logging
from datetime import datetime, time

from django.conf import settings
from django.utils import timezone

from campaigns.models import Run, RunAudience, SheetLine
from campaigns.queries import opt_outs_after
from delivery.rules.window import month_of, months_before
from foundation.db import execute

log = logging.getLogger(__name__)

CHUNK = 10_000
DROP = """
DELETE FROM campaigns_runaudience WHERE id IN (
    SELECT id FROM campaigns_runaudience WHERE run_id = %(run_id)s LIMIT %(limit)s)
"""


def drop_audiences(*, now: datetime) -> int:
    """
    Delete the audiences of ended runs whose months are older than settings.RETENTION_MONTHS; returns how many people.

    The opt-outs they led to are counted first. Who stood where on sheets of that age goes as well; their numbers
    stay. In small transactions: a repeat goes on where it was cut off.
    """
    first_day = months_before(month_of(now), settings.RETENTION_MONTHS)
    limit = timezone.make_aware(datetime.combine(first_day, time.min))
    old = Run.objects.filter(finished_at__lt=limit, occurrence_at__lt=limit)
    SheetLine.objects.filter(sheet__made_at__lt=limit).delete()
    left = RunAudience.objects.filter(run_id__in=old.values("pk")).values_list("run_id", flat=True).distinct()
    return sum(_drop(run_id) for run_id in list(left))


def _drop(run_id: int) -> int:
    run = Run.objects.get(pk=run_id)
    if run.opt_out_count is None:
        Run.objects.filter(pk=run_id, opt_out_count__isnull=True).update(opt_out_count=opt_outs_after(run=run))
    dropped = 0
    while deleted := execute(DROP, {"run_id": run_id, "limit": CHUNK}):
        dropped += deleted
    log.info("audience_dropped", extra={"run_id": run_id, "people": dropped})
    return dropped
