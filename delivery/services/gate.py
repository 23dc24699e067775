"""
The gate: the last transaction before a provider is called.

In one transaction: lock each phone's gate row in sorted order, read brakes, consent, suppression and caps,
take the cap slots, move out who may not go, and commit the fence. An opt-out locks the same row, so
after its commit no fence commits for that phone. Clock and brakes are read after the locks, when nothing is left to
wait for.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from delivery.models import CapEntry, CapPolicy, Channel, ChannelState, Dispatch, DispatchState, HandoffState
from delivery.queries.calendar import days_closed_to
from delivery.rules.caps import WEEK, Caps, Entry, verdict
from delivery.rules.window import day_of, is_inside, next_allowed
from delivery.services.brakes import held_tiers
from delivery.services.ledger import Move, move
from delivery.services.take import Chunk, Claimed
from foundation.db import execute
from members.models import Consent
from members.queries.consent import suppressed_at
from members.services.consent import lock_gates
from templates_sms.models import Tier

FULL_WAIT = timedelta(seconds=5)  # another worker took the last of a channel's quota; other channels may have room


class LeaseLost(Exception):
    """The hand-off was swept before the fence; the chunk belongs to somebody else now."""


def configured_caps() -> Caps:
    """The caps that settings ask for."""
    return Caps(settings.CAP_DAY_COUNT, settings.CAP_WEEK_COUNT, timedelta(hours=settings.SAME_TEXT_HOURS))


@transaction.atomic(durable=True)
def pass_gate(*, chunk: Chunk, parts: Mapping[int, int], clock: Callable[[], datetime]) -> set[int]:
    """
    The ids of those of a chunk who may be written to now; their fence is committed when this returns.

    `parts` of each message count against the channel's daily quota. The others are excluded, expired or deferred
    with their reason. Raises LeaseLost, with nothing changed.
    """
    hashes = sorted({one.phone_hash for one in chunk.messages})
    consents = lock_gates(phone_hashes=hashes, now=clock())
    _lock_quota(chunk, now=clock())
    now = clock()
    closed = days_closed_to(rule=chunk.dispatch.day_rule, now=now)
    kept_out = _kept_out(chunk, closed, now=now)
    if kept_out is None:
        kept_out = _judge(chunk, consents, suppressed_at(phone_hashes=hashes, now=now), closed, now=now)
    passing = tuple(one for one in chunk.messages if one.id not in kept_out)
    if not _spend_quota(chunk, sum(parts[one.id] for one in passing), now=now):
        kept_out |= _back(passing, "QUOTA", now + FULL_WAIT)
        passing = ()
    _fence(chunk.handoff_id, [one.id for one in passing])
    move(month=chunk.dispatch.month, moves=kept_out.values(), now=now)
    if chunk.dispatch.tier == Tier.MARKETING:
        _take_slots(passing, now=now)
    return {one.id for one in passing}


def _back(messages: Collection[Claimed], reason: str, not_before: datetime | None = None) -> dict[int, Move]:
    return {one.id: Move(one.id, "PLANNED", reason, not_before=not_before) for one in messages}


def _kept_out(chunk: Chunk, closed: Collection[date], *, now: datetime) -> dict[int, Move] | None:
    """All of the chunk, when its dispatch, tier or channel was held since the claim, or its window has closed."""
    dispatch = chunk.dispatch
    state = Dispatch.objects.values_list("state", flat=True).get(pk=dispatch.pk)
    if state != DispatchState.OPEN or dispatch.tier in held_tiers():
        return _back(chunk.messages, "NOT_OPEN")
    if not Channel.objects.filter(pk=chunk.channel.pk).exclude(state=ChannelState.DISABLED).exists():
        return _back(chunk.messages, "CHANNEL")
    window = (dispatch.window_from_minute, dispatch.window_until_minute)
    if dispatch.tier == Tier.MARKETING and not is_inside(now, *window, closed):
        return _back(chunk.messages, "WINDOW", next_allowed(now, *window, closed))
    return None


LOCK_QUOTA = """
INSERT INTO delivery_channelday AS d (channel_id, day, part_count) VALUES (%(channel_id)s, %(day)s, 0)
ON CONFLICT (channel_id, day) DO UPDATE SET part_count = d.part_count
"""


def _lock_quota(chunk: Chunk, *, now: datetime) -> None:
    """Wait for the channel's count of the day before anything is read that may change while waiting."""
    if chunk.channel.daily_quota is not None:
        execute(LOCK_QUOTA, {"channel_id": chunk.channel.pk, "day": day_of(now)})


SPEND_QUOTA = """
INSERT INTO delivery_channelday AS d (channel_id, day, part_count) VALUES (%(channel_id)s, %(day)s, %(parts)s)
ON CONFLICT (channel_id, day) DO UPDATE SET part_count = d.part_count + EXCLUDED.part_count
WHERE d.part_count + EXCLUDED.part_count <= %(quota)s
"""


def _spend_quota(chunk: Chunk, parts: int, *, now: datetime) -> bool:
    """Take the parts from the channel's daily quota by one conditional update; False when they don't fit any more."""
    quota = chunk.channel.daily_quota
    if quota is None or parts == 0:
        return True
    facts = {"channel_id": chunk.channel.pk, "day": day_of(now), "parts": parts, "quota": quota}
    return parts <= quota and bool(execute(SPEND_QUOTA, facts))


def _judge(
    chunk: Chunk, consents: dict[UUID, str], suppressed: set[UUID], closed: Collection[date], *, now: datetime
) -> dict[int, Move]:
    entries = _cap_entries(chunk, now=now) if chunk.dispatch.tier == Tier.MARKETING else {}
    moves: dict[int, Move] = {}
    for one in chunk.messages:
        refused = _refusal(chunk, one, consents, suppressed, now=now)
        if refused is None and chunk.dispatch.tier == Tier.MARKETING:
            refused = _over_cap(chunk.dispatch, one, entries[one.phone_hash], closed, now=now)
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


def _over_cap(
    dispatch: Dispatch, one: Claimed, entries: list[Entry], closed: Collection[date], *, now: datetime
) -> Move | None:
    over = verdict(entries, fingerprint=one.fingerprint, now=now, caps=configured_caps())
    if over is None:
        return None
    free_at = next_allowed(over.free_at, dispatch.window_from_minute, dispatch.window_until_minute, closed)
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
