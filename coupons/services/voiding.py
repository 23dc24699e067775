"""The long half of voiding a batch: its coupons, part by part. Its state keeps every till from them before."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from coupons.models import BatchVoid, Coupon, CouponState
from foundation.db import fetch_all
from foundation.models import Job
from foundation.services import jobs

PART = 10_000
VOID_PART = """
WITH part AS (
    SELECT id FROM coupons_coupon
    WHERE id > %(after)s AND batch_id = %(batch_id)s AND state = 'ISSUED' ORDER BY id LIMIT %(limit)s FOR UPDATE
)
UPDATE coupons_coupon c SET state = 'VOID', voided_at = %(at)s, void_reason = 'BATCH_VOIDED'
FROM part WHERE c.id = part.id RETURNING c.id
"""


def run_void(*, job: Job, now: datetime) -> dict[str, Any]:
    """The runner of kind coupons.void_batch; a repeat goes on behind the last part."""
    wish = BatchVoid.objects.get(pk=int(job.params["batch_id"]))
    total = job.total_count or Coupon.objects.filter(batch_id=wish.pk, state=CouponState.ISSUED).count()
    while _void_part(job, wish, total):
        pass
    return {"voided": job.done_count}


@transaction.atomic
def _void_part(job: Job, wish: BatchVoid, total: int) -> int:
    facts = {"batch_id": wish.pk, "after": job.report.get("after", 0), "limit": PART, "at": wish.decided_at}
    ids = [row[0] for row in fetch_all(VOID_PART, facts)]
    if ids:
        BatchVoid.objects.filter(pk=wish.pk).update(coupon_count=F("coupon_count") + len(ids))
        done = job.done_count + len(ids)
        jobs.report_progress(job=job, done_count=done, total_count=max(total, done), report={"after": max(ids)})
    return len(ids)
