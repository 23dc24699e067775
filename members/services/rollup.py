"""Purchases rolled up into the facts that segments ask for."""

from datetime import datetime

from django.db import transaction

from foundation.db import execute, load_sql
from members.rules import rfm


@transaction.atomic
def roll_up(*, now: datetime) -> int:
    """
    Recompute purchase facts, RFM bands and lifecycle of all members at `now`; returns how many changed.

    Bands move with time, so this runs nightly too. A repeat changes nothing.
    """
    # One at a time: two of them would lock members in different orders.
    execute("SELECT pg_advisory_xact_lock(hashtext('members.roll_up'))")
    execute(load_sql("members", "drop_stale_categories"))
    execute(load_sql("members", "roll_up_categories"))
    return execute(
        load_sql("members", "roll_up_members"),
        {
            "now": now,
            "window_days": rfm.FREQUENCY_WINDOW_DAYS,
            "quintiles": [float(share) for share in rfm.QUINTILES],
            "recency": list(rfm.RECENCY_BOUNDS_DAYS),
            "new_days": rfm.NEW_WITHIN_DAYS,
            "active_days": rfm.ACTIVE_WITHIN_DAYS,
            "dormant_days": rfm.DORMANT_WITHIN_DAYS,
        },
    )
