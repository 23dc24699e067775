"""Writing down what a provider answered: one transaction per chunk, set-based."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from delivery.models import Attempt, Channel, ChannelState, Dispatch, DispatchState, Handoff, HandoffState, VendorRef
from delivery.port import Accepted, Refused, Result
from delivery.rules.categories import (
    BREAKS_CHANNEL,
    PAUSES_DISPATCH,
    SUPPRESSES_NUMBER,
    next_state,
    wait_before_retry,
)
from delivery.rules.window import next_allowed
from delivery.services.gate import Chunk, Claimed, give_back_slots
from delivery.services.ledger import Move, move
from foundation import queue
from foundation.services import outbox
from templates_sms.models import Tier
from templates_sms.rules.parts import count_parts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One person's result, with the text that was sent."""

    message: Claimed
    text: str
    result: Result


@transaction.atomic(durable=True)
def record(*, chunk: Chunk, outcomes: Sequence[Outcome], now: datetime) -> None:
    """
    Write the results of a fenced chunk. A repeat changes nothing.

    When the sweeper gave the worker up meanwhile (hand-off LOST, messages UNSURE), the results still
    settle them: the worker does know.
    """
    handoffs = Handoff.objects.filter(pk=chunk.handoff_id)
    in_time = handoffs.filter(state=HandoffState.FENCED).update(state=HandoffState.RECORDED)
    if not in_time and not handoffs.filter(state=HandoffState.LOST).update(state=HandoffState.RECORDED):
        return
    moves = [_move(chunk, one, now=now, may_retry=bool(in_time)) for one in outcomes]
    moved = {one.id: one for one in move(month=chunk.dispatch.month, moves=moves, now=now)}
    _write_refs(chunk.channel, chunk.dispatch.month, outcomes, now=now)
    _write_attempts(chunk, outcomes, now=now)
    give_back_slots(message_ids=[one.id for one in moved.values() if one.state in ("PLANNED", "REFUSED")])
    _follow_up(chunk, outcomes, now=now)


def _move(chunk: Chunk, one: Outcome, *, now: datetime, may_retry: bool) -> Move:
    """Where a result leads; UNSURE (`may_retry` false) never returns to the queue, so its refusal is final."""
    parts = count_parts(one.text)
    cost = parts * chunk.channel.price
    message, result = one.message, one.result
    if isinstance(result, Accepted):
        return Move(message.id, "ACCEPTED", "", parts, cost, tries=message.tries)
    if not isinstance(result, Refused):
        return Move(message.id, "UNSURE", "AMBIGUOUS", parts, cost, tries=message.tries)
    if not may_retry or next_state(result.category, message.tries) == "REFUSED":
        return Move(message.id, "REFUSED", result.category, parts, 0, tries=message.tries)
    later = now + wait_before_retry(result.category, message.tries, secrets.randbelow(100))
    dispatch = chunk.dispatch
    if dispatch.tier == Tier.MARKETING:
        later = next_allowed(later, dispatch.window_from_minute, dispatch.window_until_minute)
    return Move(message.id, "PLANNED", result.category, not_before=later, tries=message.tries)


def _write_refs(channel: Channel, month: date, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    VendorRef.objects.bulk_create(
        [
            VendorRef(
                channel_id=channel.pk, vendor_id=one.result.vendor_id, month=month, message_id=one.message.id,
                created_at=now,
            )
            for one in outcomes if isinstance(one.result, Accepted)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    queue.ring("delivery.merge_receipts")


def _write_attempts(chunk: Chunk, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            month=chunk.dispatch.month, message_id=one.message.id, channel_id=chunk.channel.pk, at=now,
            category=_category(one.result),
            vendor_code=one.result.vendor_code[:64] if isinstance(one.result, Refused) else "",
        )
        for one in outcomes if not isinstance(one.result, Accepted) or one.message.tries > 1
    )  # fmt: skip


def _category(result: Result) -> str:
    if isinstance(result, Accepted):
        return "OK"
    return result.category if isinstance(result, Refused) else "AMBIGUOUS"


def _follow_up(chunk: Chunk, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """What a category asks for beyond its own message: break the channel, pause the dispatch, suppress the number."""
    refused = [one for one in outcomes if isinstance(one.result, Refused)]
    categories = {one.result.category: one.result.vendor_code for one in refused if isinstance(one.result, Refused)}
    for category in sorted(BREAKS_CHANNEL & categories.keys()):
        reason = f"{category} {categories[category]}"[:200]
        Channel.objects.filter(pk=chunk.channel.pk, state=ChannelState.OPEN).update(
            state=ChannelState.BROKEN, broken_at=now, broken_reason=reason
        )
        log.error("channel_broken", extra={"channel": chunk.channel.code, "category": category})
    if PAUSES_DISPATCH & categories.keys():
        _pause(chunk.dispatch, sorted(PAUSES_DISPATCH & categories.keys())[0], now=now)
    bad = [one for one in refused if isinstance(one.result, Refused) and one.result.category in SUPPRESSES_NUMBER]
    if bad:
        payload = {"phone_hashes": sorted(str(one.message.phone_hash) for one in bad), "code": "NUMBER"}
        outbox.publish(topic="delivery.hard_failure", payload=payload, now=now)


def _pause(dispatch: Dispatch, category: str, *, now: datetime) -> None:
    """Hold a dispatch whose text a provider refuses, and tell its sender "delivery.dispatch_paused"."""
    if not Dispatch.objects.filter(pk=dispatch.pk, state=DispatchState.OPEN).update(state=DispatchState.PAUSED):
        return
    payload = {"dispatch_id": dispatch.pk, "source": dispatch.source, "reason": category}
    outbox.publish(topic="delivery.dispatch_paused", payload=payload, now=now)
    log.error("dispatch_paused_by_refusal", extra={"dispatch_id": dispatch.pk})
