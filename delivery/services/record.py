"""Writing down what a provider answered: one transaction per chunk, set-based."""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from delivery.models import Attempt, Channel, ChannelDay, Dispatch, DispatchState, Handoff, HandoffState, VendorRef
from delivery.port import Accepted, Ambiguous, Refused, Result
from delivery.queries.calendar import days_closed_to
from delivery.rules.categories import (
    AILS_CHANNEL,
    BREAKS_CHANNEL,
    PAUSES_DISPATCH,
    SUPPRESSES_NUMBER,
    Category,
    next_state,
    wait_before_retry,
)
from delivery.rules.window import day_of, next_allowed
from delivery.services import circuits
from delivery.services.caps import give_back_slots
from delivery.services.ledger import Move, move
from delivery.services.take import Chunk, Claimed
from foundation.services import alerts, outbox
from templates_sms.models import Tier


@dataclass(frozen=True, slots=True)
class Outcome:
    """One person's result, with the billed parts of the text."""

    message: Claimed
    parts: int
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
    refused = {one.message.id: one.result for one in outcomes if isinstance(one.result, Refused)}
    closed = days_closed_to(rule=chunk.dispatch.day_rule, now=now) if refused else frozenset()
    retries = _retries_before(outcomes)
    moves = [_move(chunk, one, closed, retries, now=now, may_retry=bool(in_time)) for one in outcomes]
    moved = {one.id: one for one in move(month=chunk.dispatch.month, moves=moves, now=now)}
    _write_refs(chunk.channel, chunk.dispatch.month, outcomes, now=now)
    _write_attempts(chunk, outcomes, now=now)
    give_back_slots(message_ids=[one.id for one in moved.values() if one.state in ("PLANNED", "REFUSED")])
    _give_back_quota(chunk, sum(one.parts for one in outcomes if one.message.id in refused), now=now)
    _note_health(chunk, outcomes, now=now)
    if refused:
        _follow_up(chunk, outcomes, now=now)


def _retries_before(outcomes: Sequence[Outcome]) -> Counter[int]:
    """How often each message that was now answered RETRY has been before."""
    again = [one.message.id for one in outcomes if _category(one.result) == Category.RETRY]
    if not again:
        return Counter()
    tries = Attempt.objects.filter(message_id__in=again, category=Category.RETRY)
    return Counter(tries.values_list("message_id", flat=True))


def _move(
    chunk: Chunk, one: Outcome, closed: Collection[date], retries: Counter[int], *, now: datetime, may_retry: bool
) -> Move:
    """Where a result leads; UNSURE (`may_retry` false) never returns to the queue, so its refusal is final."""
    cost = one.parts * chunk.channel.price
    message, result = one.message, one.result
    if isinstance(result, Accepted):
        return Move(message.id, "ACCEPTED", "", one.parts, cost, tries=message.tries)
    if not isinstance(result, Refused):
        return Move(message.id, "UNSURE", "AMBIGUOUS", one.parts, cost, tries=message.tries)
    if not may_retry or next_state(result.category, retries[message.id] + 1) == "REFUSED":
        return Move(message.id, "REFUSED", result.category, one.parts, 0, tries=message.tries)
    later = now + wait_before_retry(result.category, message.tries, secrets.randbelow(100))
    dispatch = chunk.dispatch
    if dispatch.tier == Tier.MARKETING:
        later = next_allowed(later, dispatch.window_from_minute, dispatch.window_until_minute, closed)
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


def _give_back_quota(chunk: Chunk, parts: int, *, now: datetime) -> None:
    if parts and chunk.channel.daily_quota is not None:
        today = ChannelDay.objects.filter(channel_id=chunk.channel.pk, day=day_of(now), part_count__gte=parts)
        today.update(part_count=F("part_count") - parts)


def _note_health(chunk: Chunk, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Results that speak of the channel: a bad number, a refused text or our own fault does not."""
    kinds = Counter(_health_of(one.result) for one in outcomes)
    circuits.note(
        channel_id=chunk.channel.pk, now=now, accepted_count=kinds["accepted"], failed_count=kinds["failed"],
        unsure_count=kinds["unsure"], part_count=sum(one.parts for one in outcomes if isinstance(one.result, Accepted)),
    )  # fmt: skip


def _health_of(result: Result) -> str:
    if isinstance(result, Accepted):
        return "accepted"
    if isinstance(result, Ambiguous):
        return "unsure"
    return "failed" if result.category in AILS_CHANNEL else ""


def _follow_up(chunk: Chunk, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """What a category asks for beyond its own message: another channel, a pause, a suppressed number, a person."""
    codes = {one.result.category: one.result.vendor_code for one in outcomes if isinstance(one.result, Refused)}
    for category in sorted(BREAKS_CHANNEL & codes.keys()):
        circuits.break_now(channel_id=chunk.channel.pk, reason=f"{category} {codes[category]}", now=now)
    if PAUSES_DISPATCH & codes.keys():
        _pause(chunk.dispatch, sorted(PAUSES_DISPATCH & codes.keys())[0], now=now)
    if Category.REQUEST in codes:
        subject = f"delivery.channel:{chunk.channel.pk}"
        facts = {"channel": chunk.channel.name, "why": codes[Category.REQUEST]}
        alerts.raise_alert(code="PROVIDER_REQUEST", subject=subject, now=now, **facts)
    if Category.INCOMPLETE in codes:
        subject = f"delivery.dispatch:{chunk.dispatch.pk}"
        facts = {"source": chunk.dispatch.source, "why": codes[Category.INCOMPLETE]}
        alerts.raise_alert(code="MESSAGE_INCOMPLETE", subject=subject, now=now, **facts)
    bad = sorted(
        str(one.message.phone_hash) for one in outcomes
        if isinstance(one.result, Refused) and one.result.category in SUPPRESSES_NUMBER
    )  # fmt: skip
    if bad:
        outbox.publish(topic="delivery.hard_failure", payload={"phone_hashes": bad, "code": "NUMBER"}, now=now)


def _pause(dispatch: Dispatch, category: str, *, now: datetime) -> None:
    """Hold a dispatch whose text a provider refuses, and tell its sender "delivery.dispatch_paused"."""
    if not Dispatch.objects.filter(pk=dispatch.pk, state=DispatchState.OPEN).update(state=DispatchState.PAUSED):
        return
    payload = {"dispatch_id": dispatch.pk, "source": dispatch.source, "reason": category}
    outbox.publish(topic="delivery.dispatch_paused", payload=payload, now=now)
    subject = f"delivery.dispatch:{dispatch.pk}"
    alerts.raise_alert(code="DISPATCH_PAUSED", subject=subject, now=now, source=dispatch.source, why=category)
