"""
The pump: choose → take → gate and fence → submit → record.

PostgreSQL is the queue of record. Neither a transaction nor a row lock is held while a provider is called.
"""

import json
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from delivery.models import Channel, ChannelState, Dispatch, DispatchState, HandoffState, Ready
from delivery.port import Ambiguous, NotSubmitted, Person, Refused, Result
from delivery.registry import adapter_for
from delivery.rules.categories import Category
from delivery.rules.routing import Way, pick
from delivery.rules.window import is_inside
from delivery.services import failpoints
from delivery.services.gate import Chunk, Claimed, LeaseLost, pass_gate
from delivery.services.record import Outcome, record
from foundation.crypto import CannotDecrypt
from foundation.db import fetch_dicts, load_sql
from foundation.services.phones import open_phone
from templates_sms.models import Tier
from templates_sms.queries import Text, text_of, texts_of
from templates_sms.rules.merge_fields import MergeFieldMissing

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

LANES: dict[str, list[str]] = {
    "urgent": [Tier.VERIFICATION, Tier.NOTICE, Tier.INTERNAL],
    "bulk": [Tier.MARKETING],
}


def send_chunk(*, lane: str, clock: Clock) -> int:
    """
    Send one chunk of `lane`; returns how many messages it took from the queue, 0 when nothing may go now.

    `clock` is read anew at each step, because a step may have waited for locks or for a provider.
    """
    chunk = choose_and_take(lane=lane, now=clock())
    if chunk is None:
        return 0
    failpoints.reach("after_take")
    try:
        passing = pass_gate(chunk=chunk, now=clock())
    except LeaseLost:
        log.warning("lease_lost_before_fence", extra={"handoff_id": chunk.handoff_id})
        return len(chunk.messages)
    if passing:
        failpoints.reach("after_fence")
        outcomes = submit(chunk=chunk, passing=passing)
        failpoints.reach("after_accept")
        record(chunk=chunk, outcomes=outcomes, now=clock())
        failpoints.reach("after_record")
    return len(chunk.messages)


def choose_and_take(*, lane: str, now: datetime) -> Chunk | None:
    """The next chunk of the first open dispatch that has due messages, claimed for this worker; None without any."""
    for dispatch in _sendable(lane, now=now):
        channel = _channel_for()
        if channel is None:
            return None
        chunk = take(dispatch=dispatch, channel=channel, now=now)
        if chunk is not None:
            return chunk
    return None


def _sendable(lane: str, *, now: datetime) -> list[Dispatch]:
    due = Ready.objects.filter(dispatch_id=OuterRef("pk"), priority=OuterRef("priority"), not_before__lte=now)
    found = Dispatch.objects.filter(
        Exists(due), state=DispatchState.OPEN, tier__in=LANES[lane], not_before__lte=now, expires_at__gt=now
    ).order_by("priority", "id")
    return [
        one
        for one in found
        if one.tier != Tier.MARKETING or is_inside(now, one.window_from_minute, one.window_until_minute)
    ]


def _channel_for() -> Channel | None:
    channels = {one.pk: one for one in Channel.objects.filter(state=ChannelState.OPEN).order_by("id")}
    ways = [Way(one.pk, one.weight) for one in channels.values()]
    picked = pick(ways, secrets.randbelow(1_000_000_007))
    return channels[picked] if picked is not None else None


@transaction.atomic(durable=True)
def take(*, dispatch: Dispatch, channel: Channel, now: datetime) -> Chunk | None:
    """Claim up to one batch of a dispatch's due messages under a hand-off; None when another worker was faster."""
    rows = fetch_dicts(
        load_sql("delivery", "take_ready"),
        {
            "dispatch_id": dispatch.pk, "month": dispatch.month, "channel_id": channel.pk, "now": now,
            "limit": channel.batch_size,
        },
    )  # fmt: skip
    if not rows:
        return None
    # Django's connections leave jsonb to its model fields: here it arrives as text.
    claimed = (Claimed(**{**row, "params": json.loads(row["params"])}) for row in rows)
    messages = tuple(sorted(claimed, key=lambda one: one.id))
    handoff_id = _open_handoff(dispatch, channel, [one.id for one in messages], now=now)
    return Chunk(handoff_id, dispatch, channel, messages)


OPEN_HANDOFF = """
INSERT INTO delivery_handoff (month, dispatch_id, channel_id, state, message_ids, lease_until, created_at)
VALUES (%(month)s, %(dispatch_id)s, %(channel_id)s, %(state)s, %(ids)s,
        clock_timestamp() + make_interval(secs => %(lease)s), %(now)s)
RETURNING id
"""


def _open_handoff(dispatch: Dispatch, channel: Channel, message_ids: list[int], *, now: datetime) -> int:
    params = {
        "month": dispatch.month, "dispatch_id": dispatch.pk, "channel_id": channel.pk, "ids": message_ids,
        "state": HandoffState.TAKEN, "lease": settings.MESSAGE_LEASE_SECONDS, "now": now,
    }  # fmt: skip
    handoff_id: int = fetch_dicts(OPEN_HANDOFF, params)[0]["id"]
    return handoff_id


def submit(*, chunk: Chunk, passing: Sequence[Claimed]) -> list[Outcome]:
    """Hand a fenced chunk to its provider; needs no transaction and must not be given one."""
    if connection.in_atomic_block:
        raise RuntimeError("A provider is never called inside a transaction.")
    versions = texts_of(version_ids={one.template_version_id for one in passing})
    outcomes: list[Outcome] = []
    complete: list[tuple[Claimed, Person]] = []
    for one in passing:
        try:
            complete.append((one, _person(chunk, one, versions[one.template_version_id])))
        except (MergeFieldMissing, CannotDecrypt) as incomplete:
            # Certainly not sent, and one such person must not make a whole chunk unsure.
            log.error("message_incomplete", extra={"message_id": one.id})
            outcomes.append(Outcome(one, "", Refused(Category.REQUEST, type(incomplete).__name__)))
    if complete:
        results = _results(chunk, [person for _claimed, person in complete])
        outcomes += [Outcome(one, person.text, result) for (one, person), result in zip(complete, results, strict=True)]
    return outcomes


def _person(chunk: Chunk, one: Claimed, version: Text) -> Person:
    return Person(
        reference=f"{chunk.dispatch.month:%Y%m}-{one.id}",
        phone=open_phone(one.phone_cipher),
        text=text_of(version=version, params=one.params, opt_out_words=chunk.channel.opt_out_words),
    )


def _results(chunk: Chunk, people: Sequence[Person]) -> list[Result]:
    try:
        results = adapter_for(chunk.channel).submit(people)
    except NotSubmitted as refusal:
        return [Refused(Category.CHANNEL, str(refusal)[:64])] * len(people)
    except Exception:  # an adapter's fault after the first byte: nobody knows, so nobody is written to again
        log.exception("adapter_failed", extra={"channel": chunk.channel.code, "handoff_id": chunk.handoff_id})
        return [Ambiguous("adapter fault")] * len(people)
    if len(results) != len(people):
        log.error("adapter_lost_count", extra={"channel": chunk.channel.code, "handoff_id": chunk.handoff_id})
        return [Ambiguous("results do not match people")] * len(people)
    return list(results)
