"""The nightly proof of coupons: balances of batches, uses against redemptions."""

from datetime import datetime

from foundation.db import fetch_all, fetch_value
from foundation.services.proofs import SAMPLES, Found

# In one snapshot each. A coupon whose message reached nobody does not count as issued.
BATCHES = """
SELECT b.id FROM coupons_couponbatch b
LEFT JOIN (SELECT batch_id, count(*) AS n FROM coupons_coupon
           WHERE NOT (state = 'VOID' AND void_reason = 'NOT_SENT') GROUP BY batch_id) c ON c.batch_id = b.id
WHERE b.issued_count <> COALESCE(c.n, 0)
ORDER BY b.id
"""
USES = """
SELECT c.id FROM coupons_coupon c
LEFT JOIN (SELECT coupon_id, count(*) AS n FROM coupons_redemption WHERE state = 'ACCEPTED' GROUP BY coupon_id) r
    ON r.coupon_id = c.id
WHERE c.uses_count <> COALESCE(r.n, 0) AND (c.uses_count > 0 OR r.n > 0)
ORDER BY c.id
"""


def prove(*, now: datetime) -> list[Found]:
    """Issued coupons against the batch's own count, and uses of each coupon against its redemptions."""
    batches = [row[0] for row in fetch_all(BATCHES)]
    coupons = [row[0] for row in fetch_all(USES)]
    return [
        Found("batches", fetch_value("SELECT count(*) FROM coupons_couponbatch"), len(batches), batches[:SAMPLES]),
        Found("redemptions", fetch_value("SELECT count(*) FROM coupons_redemption"), len(coupons), coupons[:SAMPLES]),
    ]
