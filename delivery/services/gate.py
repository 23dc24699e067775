"""
The gate: the last transaction before a provider is called.

In one transaction: lock each phone's gate row in sorted order, read consent, suppression and caps,
take the cap slots, move out who may not go, and commit the fence. An opt-out locks the same row, so
after its commit no fence commits for that phone.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from delivery.models import CapEntry, CapPolicy, Channel, Dispatch, DispatchState, HandoffState
from delivery.rules.caps import WEEK, Caps, Entry, verdict
from delivery.rules.window import is_inside, next_allowed
from delivery.services.ledger import Move, move
from foundation.db import execute
from members.models import Consent
from members.queries.consent import suppressed_at
from members.services.consent import lock_gates
from templates_sms.models import Tier

log = logging.getLogger(__name__)


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
    """What one worker took: one dispatch, one channel, one hand-off."""

    handoff_id: int
    dispatch: Dispatch
    channel: Channel
    messages: tuple[Claimed, ...]


class LeaseLost(Exception):
    """The hand-off was swept before the fence; the chunk belongs to somebody else now."""


def configured_caps() -> Caps:
    """The caps that settings ask for."""
    return Caps(settings.CAP_DAY_COUNT, settings.CAP_WEEK_COUNT, timedelta(hours=settings.SAME_TEXT_HOURS))


@transaction.atomic(durable=True)
def pass_gate(*, chunk: Chunk, now: datetime) -> tuple[Claimed, ...]:
    """
    Those of a chunk who may be written to now; their fence is committed when this returns.

    The others are excluded, expired or deferred with their reason. Raises LeaseLost, with nothing changed.
    """
    hashes = sorted({one.phone_hash for one in chunk.messages})
    consents = lock_gates(phone_hashes=hashes, now=now)
    kept_out = _kept_out(chunk, now=now)
    if kept_out is None:
        kept_out = _judge(chunk, consents, suppressed_at(phone_hashes=hashes, now=now), now=now)
    passing = tuple(one for one in chunk.messages if one.id not in kept_out)
    _fence(chunk.handoff_id, [one.id for one in passing])
    move(month=chunk.dispatch.month, moves=kept_out.values(), now=now)
    if chunk.dispatch.tier == Tier.MARKETING:
        _take_slots(passing, now=now)
    return passing


def _kept_out(chunk: Chunk, *, now: datetime) -> dict[int, Move] | None:
    """All of the chunk, when its dispatch was paused or stopped since the claim, or its window has closed."""
    dispatch = chunk.dispatch
    state = Dispatch.objects.values_list("state", flat=True).get(pk=dispatch.pk)
    if state != DispatchState.OPEN:
        return {one.id: Move(one.id, "PLANNED", "NOT_OPEN") for one in chunk.messages}
    window = (dispatch.window_from_minute, dispatch.window_until_minute)
    if dispatch.tier == Tier.MARKETING and not is_inside(now, *window):
        opens = next_allowed(now, *window)
        return {one.id: Move(one.id, "PLANNED", "WINDOW", not_before=opens) for one in chunk.messages}
    return None


def _judge(chunk: Chunk, consents: dict[UUID, str], suppressed: set[UUID], *, now: datetime) -> dict[int, Move]:
    entries = _cap_entries(chunk, now=now) if chunk.dispatch.tier == Tier.MARKETING else {}
    moves: dict[int, Move] = {}
    for one in chunk.messages:
        refused = _refusal(chunk, one, consents, suppressed, now=now)
        if refused is None and chunk.dispatch.tier == Tier.MARKETING:
            refused = _over_cap(chunk.dispatch, one, entries[one.phone_hash], now=now)
        if refused is not None:
            moves[one.id] = refused
        elif chunk.dispatch.tier == Tier.MARKETING:
            entries[one.phone_hash].append(Entry(now, one.fingerprint))
    return moves


def _refusal(
    chunk: Chunk, one: Claimed, consents: dict[UUID, str], suppressed: set[UUID], *, now: datetime
) -> Move | None:
    if one.expires_at <= now:
        return Move(one.id, "EXPIRED", "TOO_LATE")
    if one.is_demo and not chunk.channel.is_simulator:
        return Move(one.id, "EXCLUDED", "DEMO_MEMBER")
    consent = consents.get(one.phone_hash, Consent.NONE)
    if chunk.dispatch.tier == Tier.MARKETING and consent != Consent.GRANTED:
        return Move(one.id, "EXCLUDED", "OPTED_OUT" if consent == Consent.OPTED_OUT else "NO_CONSENT")
    if one.phone_hash in suppressed:
        return Move(one.id, "EXCLUDED", "SUPPRESSED")
    return None


def _over_cap(dispatch: Dispatch, one: Claimed, entries: list[Entry], *, now: datetime) -> Move | None:
    over = verdict(entries, fingerprint=one.fingerprint, now=now, caps=configured_caps())
    if over is None:
        return None
    free_at = next_allowed(over.free_at, dispatch.window_from_minute, dispatch.window_until_minute)
    if dispatch.cap_policy == CapPolicy.EXCLUDE or free_at >= one.expires_at:
        return Move(one.id, "EXCLUDED", over.reason)
    return Move(one.id, "PLANNED", over.reason, not_before=free_at)


def _cap_entries(chunk: Chunk, *, now: datetime) -> dict[UUID, list[Entry]]:
    found: dict[UUID, list[Entry]] = defaultdict(list)
    hashes = [one.phone_hash for one in chunk.messages]
    rows = CapEntry.objects.filter(phone_hash__in=hashes, at__gt=now - WEEK)
    for phone_hash, at, fingerprint in rows.values_list("phone_hash", "at", "fingerprint"):
        found[phone_hash].append(Entry(at, fingerprint))
    return found


def _take_slots(passing: tuple[Claimed, ...], *, now: datetime) -> None:
    """One slot per message; a message that holds one already keeps it (the same try again)."""
    CapEntry.objects.bulk_create(
        [CapEntry(message_id=m.id, phone_hash=m.phone_hash, fingerprint=m.fingerprint, at=now) for m in passing],
        ignore_conflicts=True,
    )


FENCE = """
UPDATE delivery_handoff
SET state = %(state)s, message_ids = %(ids)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id = %(id)s AND state = 'TAKEN' AND lease_until > clock_timestamp()
"""


def _fence(handoff_id: int, message_ids: list[int]) -> None:
    """The compare-and-swap that decides between this worker and the sweeper; nobody left needs no fence."""
    state = HandoffState.FENCED if message_ids else HandoffState.RECORDED
    params = {"id": handoff_id, "ids": message_ids, "state": state, "lease": settings.MESSAGE_LEASE_SECONDS}
    if not execute(FENCE, params):
        raise LeaseLost


def give_back_slots(*, message_ids: list[int]) -> None:
    """Free the cap slots of messages that provably reached nobody. A repeat changes nothing."""
    CapEntry.objects.filter(message_id__in=message_ids).delete()
