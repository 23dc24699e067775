"""`submit`: planned messages claimed, gated, handed over by HTTP and recorded, by as many workers as cores."""

import os
import subprocess
import sys
from typing import Any

import httpx

from tests.benchmarks.stage import ROOT, Result, peak_mb, spread, wait_for_start

WORKERS = os.cpu_count() or 2
BATCH = 200

# The fewest statements that make the same rows durable: claim, fence with slots, record. No Python per row.
CLAIM = """
WITH due AS (
    SELECT message_id FROM delivery_ready WHERE dispatch_id = %(dispatch_id)s
    ORDER BY priority, not_before, message_id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM delivery_ready r USING due WHERE r.message_id = due.message_id RETURNING r.message_id
), claimed AS (
    UPDATE delivery_message m SET state = 'CLAIMED', channel_id = %(channel_id)s FROM taken
    WHERE m.month = %(month)s AND m.id = taken.message_id RETURNING m.id
)
INSERT INTO delivery_handoff (month, dispatch_id, channel_id, state, message_ids, lease_until, created_at)
SELECT %(month)s, %(dispatch_id)s, %(channel_id)s, 'TAKEN', array_agg(id), now() + interval '1 minute', now()
FROM claimed HAVING count(*) > 0 RETURNING id, message_ids
"""
FENCE = """
WITH locked AS (
    SELECT g.phone_hash FROM members_phonegate g
    WHERE g.phone_hash IN (SELECT phone_hash FROM delivery_message
                           WHERE month = %(month)s AND id = ANY(%(ids)s))
    ORDER BY g.phone_hash FOR UPDATE
), slots AS (
    INSERT INTO delivery_capentry (message_id, phone_hash, fingerprint, at)
    SELECT m.id, m.phone_hash, m.fingerprint, now() FROM delivery_message m
    JOIN locked USING (phone_hash) WHERE m.month = %(month)s AND m.id = ANY(%(ids)s)
)
UPDATE delivery_handoff SET state = 'FENCED' WHERE id = %(handoff_id)s AND state = 'TAKEN'
"""
RECORD = """
WITH done AS (
    UPDATE delivery_handoff SET state = 'RECORDED' WHERE id = %(handoff_id)s AND state = 'FENCED' RETURNING id
), moved AS (
    UPDATE delivery_message SET state = 'ACCEPTED', parts = 1, cost = 450, tries = 1, submitted_at = now()
    WHERE month = %(month)s AND id = ANY(%(ids)s) RETURNING id
), refs AS (
    INSERT INTO delivery_vendorref (channel_id, vendor_id, month, message_id, created_at)
    SELECT %(channel_id)s, 'v' || id, %(month)s, id, now() FROM moved
)
INSERT INTO delivery_tallydelta (dispatch_id, variant, channel_id, hour, state, reason, message_count, part_count, cost)
SELECT %(dispatch_id)s, 'A', %(channel_id)s, date_trunc('hour', now()), 'ACCEPTED', '', count(*), count(*),
       450 * count(*)
FROM moved
"""


def run(n: int) -> Result:
    """Measure the limit on `n` messages, then the pump on `n` others."""
    from delivery.models import Channel, Message
    from delivery.queries.tally import ledger_of, tally_of
    from tests.benchmarks.people import expect, planned_messages
    from tests.factories import make_channel

    vendor = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.vendor"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        address = f"http://127.0.0.1:{vendor.stdout.readline().strip()}"
        os.environ["SIMULATOR_URL"] = address
        channel = make_channel(vendor="simulator", batch_size=BATCH)
        limit_n = min(n, 100_000)
        limit = limit_n / _limit(planned_messages(limit_n), channel)
        _forget()
        dispatch = planned_messages(n)
        seconds = spread("tests.benchmarks.submit", ["pump"], WORKERS)
        states = list(Message.objects.filter(dispatch_id=dispatch.pk).values_list("state", flat=True).distinct())
        expect("the states", states, ["ACCEPTED"])
        expect("the tally", tally_of(dispatch_ids=[dispatch.pk]), ledger_of(dispatch_ids=[dispatch.pk]))
        heard = httpx.get(f"{address}/heard", trust_env=False, timeout=10).json()
        expect("what the provider heard", heard, {"people": n, "most": 1})
        expect("the channel", Channel.objects.get().circuit, "CLOSED")
    finally:
        vendor.kill()
    return Result("submit", n, n / seconds, "messages/s", limit, peak_mb(), {"workers": WORKERS, "batch": BATCH})


def _limit(dispatch: Any, channel: Any) -> float:
    arguments = ["limit", str(dispatch.pk), str(channel.pk), dispatch.month.isoformat()]
    return spread("tests.benchmarks.submit", arguments, WORKERS)


def _forget() -> None:
    """The limit's rows go; the pump begins on an empty ledger, as the limit did."""
    from foundation.db import execute

    for table in ("message", "ready", "handoff", "capentry", "vendorref", "tallydelta", "dispatch"):
        execute(f"TRUNCATE delivery_{table} CASCADE")


def work_at_the_limit(dispatch_id: str, channel_id: str, month: str) -> None:
    """One connection: claim, fence, record, until nothing is left."""
    from django.db import transaction

    from foundation.db import execute, fetch_all

    facts = {"dispatch_id": int(dispatch_id), "channel_id": int(channel_id), "month": month, "batch": BATCH}
    while rows := fetch_all(CLAIM, facts):
        chunk = facts | {"handoff_id": rows[0][0], "ids": rows[0][1]}
        with transaction.atomic():
            execute(FENCE, chunk)
        with transaction.atomic():
            execute(RECORD, chunk)


def pump() -> None:
    """One worker: send until nothing may go."""
    from delivery.services.pump import send_chunk
    from tests.factories import NOON

    while send_chunk(lane="bulk", clock=lambda: NOON):
        pass


def main() -> None:
    """A worker process of `spread`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    import django
    from django.db import connection

    django.setup()
    connection.ensure_connection()
    wait_for_start()
    if sys.argv[1] == "limit":
        work_at_the_limit(*sys.argv[2:5])
    else:
        pump()


if __name__ == "__main__":
    main()
