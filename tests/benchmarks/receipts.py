"""`receipts`: receipts by webhook through the real web server, stored, merged, tallied; some repeated or too early."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.benchmarks.stage import ROOT, Result, peak_mb, wait_for_start, web

BATCH = 100
CLIENTS = 4
REPEATED = 20  # one in so many comes twice
EARLY = 20  # one in so many comes long before its turn

ACCEPTED = """
UPDATE delivery_message
SET state = 'ACCEPTED', channel_id = %(channel_id)s, parts = 1, cost = 450, submitted_at = %(now)s
WHERE dispatch_id = %(dispatch_id)s
"""
REFERENCES = """
INSERT INTO delivery_vendorref (channel_id, vendor_id, month, message_id, created_at)
SELECT %(channel_id)s, 'v' || id, month, id, %(now)s FROM delivery_message WHERE dispatch_id = %(dispatch_id)s
"""
COUNTED = """
UPDATE delivery_tallydelta SET state = 'ACCEPTED', channel_id = %(channel_id)s, part_count = message_count,
    cost = 450 * message_count WHERE dispatch_id = %(dispatch_id)s
"""
# What a database alone needs: the receipts copied in, then one join.
MERGE = """
UPDATE delivery_message m SET state = CASE WHEN r.is_delivered THEN 'DELIVERED' ELSE 'UNDELIVERED' END,
    reason = r.vendor_code, done_at = now()
FROM delivery_receipt r JOIN delivery_vendorref f ON f.channel_id = r.channel_id AND f.vendor_id = r.vendor_id
WHERE m.month = f.month AND m.id = f.message_id AND m.state = 'ACCEPTED'
"""
COPY = """
COPY delivery_receipt (channel_id, vendor_id, reference, is_delivered, vendor_code, reported_at, received_at)
FROM STDIN
"""


def run(n: int) -> Result:
    """Measure the limit on `n` messages, then the webhook and the merge on `n` others."""
    from delivery.models import Message, Receipt
    from delivery.queries.tally import ledger_of, tally_of
    from tests.benchmarks.people import expect
    from tests.benchmarks.submit import _forget
    from tests.factories import make_channel

    channel = make_channel(vendor="simulator")
    dispatch, ids = _accepted(n, channel)
    limit = n / _limit(channel.pk, ids)
    Receipt.objects.all().delete()
    _forget()
    dispatch, ids = _accepted(n, channel)
    calls = _calls(ids)
    with _process([sys.executable, "-m", "tests.benchmarks.receipts"]) as merger, web() as address:
        began = time.perf_counter()
        merger.stdin.write("go\n")
        merger.stdin.flush()
        _post(f"{address}/hooks/{channel.webhook_token}/receipts/", calls)
        stored = time.perf_counter() - began
        while Receipt.objects.filter(merged_at__isnull=True).exists():
            time.sleep(0.05)
        seconds = time.perf_counter() - began
    done = Message.objects.filter(dispatch_id=dispatch.pk, state__in=["DELIVERED", "UNDELIVERED"]).count()
    expect("the settled messages", done, n)
    expect("the kept receipts", Receipt.objects.count(), n)
    expect("the tally", tally_of(dispatch_ids=[dispatch.pk]), ledger_of(dispatch_ids=[dispatch.pk]))
    told = sum(len(json.loads(one)["receipts"]) for one in calls)
    detail = {"told": told, "batch": BATCH, "clients": CLIENTS, "stored_per_second": round(told / stored)}
    return Result("receipts", n, n / seconds, "receipts/s", limit, peak_mb(), detail)


def _accepted(n: int, channel: Any) -> tuple[Any, list[int]]:
    from delivery.models import Message
    from foundation.db import execute
    from tests.benchmarks.people import planned_messages, vacuum
    from tests.factories import NOON

    dispatch = planned_messages(n)
    execute("TRUNCATE delivery_ready")
    for statement in (ACCEPTED, REFERENCES, COUNTED):
        execute(statement, {"channel_id": channel.pk, "dispatch_id": dispatch.pk, "now": NOON})
    execute("UPDATE delivery_dispatch SET closed_at = now(), state = 'CLOSED'")
    vacuum("delivery_message", "delivery_vendorref")
    return dispatch, list(Message.objects.filter(dispatch_id=dispatch.pk).order_by("id").values_list("id", flat=True))


def _limit(channel_id: int, ids: list[int]) -> float:
    from django.db import connection

    from foundation.db import execute
    from tests.factories import NOON

    began = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for one in ids:
            copy.write_row((channel_id, f"v{one}", "", True, "DELIVRD", NOON, NOON))
    execute(MERGE)
    return time.perf_counter() - began


def _calls(ids: list[int]) -> list[bytes]:
    """The bodies of all calls, seeded: shuffled a little, some early, some twice, one in fifty failed."""
    luck = random.Random(7)
    order = sorted(
        range(len(ids)), key=lambda place: place + luck.random() * 500 - 20_000 * (luck.randrange(EARLY) == 0)
    )
    told = [ids[place] for place in order]
    told += [one for one in told if luck.randrange(REPEATED) == 0]
    notes = [
        {"vendor_id": f"v{one}", "code": "MK:0012" if one % 50 == 0 else "DELIVRD", "at": "2026-11-20T04:00:05+00:00"}
        for one in told
    ]
    return [json.dumps({"receipts": notes[at : at + BATCH]}).encode() for at in range(0, len(notes), BATCH)]


def _post(url: str, calls: list[bytes]) -> None:
    turns, faults = iter(calls), []
    lock = threading.Lock()

    def client() -> None:
        with httpx.Client(trust_env=False, timeout=30) as session:
            while True:
                with lock:
                    body = next(turns, None)
                if body is None:
                    return
                if session.post(url, content=body).status_code != 200:
                    faults.append(body)

    threads = [threading.Thread(target=client) for _number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SystemExit(f"The benchmark is void: {len(faults)} calls were refused.")


@contextmanager
def _process(command: list[str]) -> Iterator[Any]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """The merging worker."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    import django

    django.setup()
    from delivery.services.receipts import merge_receipts
    from foundation import clock

    wait_for_start()
    while True:
        if not merge_receipts(now=clock.now()):
            time.sleep(0.02)


if __name__ == "__main__":
    main()
