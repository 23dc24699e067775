"""Choosing what is due and claiming it for one worker."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from delivery.models import Channel, Dispatch, HandoffState
from delivery.queries.calendar import closed_to
from delivery.rules.window import is_inside
from delivery.services.brakes import held_tiers
from foundation.db import fetch_all, fetch_dicts, load_sql
from templates_sms.models import Tier

LANES: dict[str, list[str]] = {
    "urgent": [Tier.VERIFICATION, Tier.NOTICE, Tier.INTERNAL],
    "bulk": [Tier.MARKETING],
}


@dataclass(frozen=True, slots=True)
class Lot:
    """The due messages of one dispatch to one carrier's numbers."""

    dispatch: Dispatch
    carrier: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in a worker's hands."""

    id: int
    phone_hash: UUID
    phone_cipher: bytes
    fingerprint: UUID
    template_version_id: int
    params: dict[str, str]
    is_demo: bool
    tries: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one worker took: one lot, one channel, one hand-off, and the parts reserved in the channel's bucket."""

    handoff_id: int
    dispatch: Dispatch
    channel: Channel
    messages: tuple[Claimed, ...]
    reserved: int = 0


def open_lots(*, lane: str, now: datetime) -> list[Lot]:
    """
    Lots of `lane` that have something due and may leave now: not held, inside their window, on an open day.

    By priority; among equals in any order, so that a million of one run does not keep another run waiting.
    """
    tiers = sorted(set(LANES[lane]) - held_tiers())
    rows = fetch_all(load_sql("delivery", "open_lots"), {"tiers": tiers, "now": now}) if tiers else []
    if not rows:
        return []
    dispatches = Dispatch.objects.in_bulk({dispatch_id for dispatch_id, _carrier in rows})
    closed = closed_to([one.day_rule for one in dispatches.values()], now=now)
    lots = [
        Lot(one, carrier)
        for dispatch_id, carrier in rows
        if (one := dispatches[dispatch_id]).tier != Tier.MARKETING
        or is_inside(now, one.window_from_minute, one.window_until_minute, closed[one.day_rule])
    ]
    return sorted(lots, key=lambda lot: (lot.dispatch.priority, secrets.randbelow(1_000_000)))


OPEN_HANDOFF = """
INSERT INTO delivery_handoff (month, dispatch_id, channel_id, state, message_ids, lease_until, created_at)
VALUES (%(month)s, %(dispatch_id)s, %(channel_id)s, %(state)s, %(ids)s,
        clock_timestamp() + make_interval(secs => %(lease)s), %(now)s)
RETURNING id
"""


@transaction.atomic(durable=True)
def take(*, lot: Lot, channel: Channel, limit: int, now: datetime) -> Chunk | None:
    """Claim up to `limit` of a lot's due messages under a hand-off; None when another worker was faster."""
    dispatch = lot.dispatch
    rows = fetch_dicts(
        load_sql("delivery", "take_ready"),
        {
            "dispatch_id": dispatch.pk, "carrier": lot.carrier, "month": dispatch.month, "channel_id": channel.pk,
            "now": now, "limit": limit,
        },
    )  # fmt: skip
    if not rows:
        return None
    # Django's connections leave jsonb to its model fields: here it arrives as text.
    claimed = (Claimed(**{**row, "params": json.loads(row["params"])}) for row in rows)
    messages = tuple(sorted(claimed, key=lambda one: one.id))
    params = {
        "month": dispatch.month, "dispatch_id": dispatch.pk, "channel_id": channel.pk,
        "ids": [one.id for one in messages], "state": HandoffState.TAKEN, "lease": settings.MESSAGE_LEASE_SECONDS,
        "now": now,
    }  # fmt: skip
    handoff_id = fetch_all(OPEN_HANDOFF, params)[0][0]
    return Chunk(handoff_id, dispatch, channel, messages, limit)
