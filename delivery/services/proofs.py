"""The nightly proof of the message ledger: tally = ledger, queue, hand-offs, references, slots."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from delivery.models import CapEntry, Dispatch, VendorRef
from foundation.db import fetch_all, load_sql
from foundation.services.proofs import SAMPLES, Found

LATELY = timedelta(days=7)
AT_ONCE = 50


def prove(*, now: datetime) -> list[Found]:
    """
    Check what may have moved in the last days: dispatches that are open or ended since LATELY, and their neighbours.

    Older ones were proven while they moved, and nothing but a receipt may touch them.
    """
    since = now - LATELY
    wrong: dict[str, list[int]] = {
        name: [] for name in ("tallies", "queue", "handoffs", "unsure", "finished", "references", "slots")
    }
    dispatch_count = 0
    months = set()
    for chunk in _chunks(since):
        dispatch_count += len(chunk)
        chunk_months = sorted({one.month for one in chunk})
        months |= set(chunk_months)
        facts = {"dispatch_ids": [one.pk for one in chunk], "months": chunk_months}
        wrong["tallies"] += [row[0] for row in fetch_all(load_sql("delivery", "prove_tallies"), facts)]
        for name, message_id in fetch_all(load_sql("delivery", "prove_messages"), facts):
            wrong[name].append(message_id)
    for name, message_id in fetch_all(
        load_sql("delivery", "prove_neighbours"), {"since": since, "months": sorted(months)}
    ):
        wrong[name].append(message_id)
    looked_at: dict[str, int] = defaultdict(lambda: dispatch_count)
    looked_at["references"] = VendorRef.objects.filter(created_at__gte=since).count()
    looked_at["slots"] = CapEntry.objects.filter(at__gte=since).count()
    return [Found(name, looked_at[name], len(ids), sorted(ids)[:SAMPLES]) for name, ids in wrong.items()]


def _chunks(since: datetime) -> Iterator[list[Dispatch]]:
    moving = Dispatch.objects.filter(Q(closed_at__isnull=True) | Q(closed_at__gte=since)).order_by("id")
    last_id = 0
    while chunk := list(moving.filter(pk__gt=last_id)[:AT_ONCE]):
        last_id = chunk[-1].pk
        yield chunk
