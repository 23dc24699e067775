"""
The pump: choose → take → render → gate and fence → submit → record.

PostgreSQL is the queue of record. Neither a transaction nor a row lock is held while a provider is called.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from django.db import OperationalError, connection

from delivery.models import Channel, ChannelState, Route, RoutePolicy
from delivery.port import Accepted, Ambiguous, NotSubmitted, Person, Refused, Result
from delivery.queries.channels import Usable, delivered_percents, usable
from delivery.registry import adapter_for
from delivery.rules.categories import Category
from delivery.rules.reference import reference_of
from delivery.rules.routing import in_order
from delivery.services import failpoints, pacing
from delivery.services.gate import LeaseLost, pass_gate
from delivery.services.record import Outcome, record
from delivery.services.take import Chunk, Claimed, Lot, open_lots, take
from foundation.crypto import CannotDecrypt
from foundation.services.phones import open_phone
from templates_sms.queries import text_of, texts_of
from templates_sms.rules.merge_fields import MergeFieldMissing
from templates_sms.rules.parts import count_parts

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

RECORD_WAITS = (0.2, 1.0, 3.0, 5.0)  # seconds; together well below a hand-off's lease
LONGEST_WAIT_SECONDS = 2.0  # for a bucket to fill; who waits longer leaves the work to those who found room


class Pacer(Protocol):
    """Who says how fast a channel may go; `pacing` for all workers together, a virtual one for rehearsals."""

    def reserve(
        self, *, channel: Channel, parts: int, percent: int = 100, is_urgent: bool = False
    ) -> tuple[int, float]:
        """See `pacing.reserve`."""
        ...

    def charge(self, *, channel: Channel, parts: int) -> None:
        """See `pacing.charge`."""
        ...

    def slow_down(self, *, channel: Channel) -> None:
        """See `pacing.slow_down`."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass until a bucket has filled."""
        ...


def send_chunk(*, lane: str, clock: Clock, pacer: Pacer = pacing) -> int:
    """
    Send one chunk of `lane`; returns how many messages it took from the queue, 0 when nothing may go now.

    `clock` is read anew at each step, because a step may have waited for locks, for its turn or for a provider.
    """
    chunk = choose_and_take(lane=lane, clock=clock, pacer=pacer)
    if chunk is None:
        return 0
    failpoints.reach("after_take")
    rendered = render(chunk)
    try:
        passing = pass_gate(chunk=chunk, parts={one.message.id: one.parts for one in rendered}, clock=clock)
    except LeaseLost:
        log.warning("lease_lost_before_fence", extra={"handoff_id": chunk.handoff_id})
        pacer.charge(channel=chunk.channel, parts=-chunk.reserved)
        return len(chunk.messages)
    leaving = [one for one in rendered if one.message.id in passing]
    pacer.charge(channel=chunk.channel, parts=sum(one.parts for one in leaving) - chunk.reserved)
    if leaving:
        failpoints.reach("after_fence")
        outcomes = submit(chunk=chunk, rendered=leaving)
        failpoints.reach("after_accept")
        _record(chunk, outcomes, clock=clock, pacer=pacer)
        if any(isinstance(one.result, Refused) and one.result.category == Category.THROTTLE for one in outcomes):
            pacer.slow_down(channel=chunk.channel)
        failpoints.reach("after_record")
    return len(chunk.messages)


def _record(chunk: Chunk, outcomes: Sequence[Outcome], *, clock: Clock, pacer: Pacer) -> None:
    """Write the results down, again when the database went away meanwhile: unwritten, they would all be UNSURE."""
    for wait in RECORD_WAITS:
        try:
            record(chunk=chunk, outcomes=outcomes, now=clock())
        except OperationalError:
            log.warning("record_tried_again", extra={"handoff_id": chunk.handoff_id})
            connection.close_if_unusable_or_obsolete()
            pacer.sleep(wait)
        else:
            return
    record(chunk=chunk, outcomes=outcomes, now=clock())


def choose_and_take(*, lane: str, clock: Clock, pacer: Pacer = pacing) -> Chunk | None:
    """
    The next chunk of an open lot that a channel has room for, claimed for this worker; None when nothing may go.

    Waits up to LONGEST_WAIT_SECONDS, holding nothing, while all channels are at their speed.
    """
    patience = LONGEST_WAIT_SECONDS
    while True:
        chunk, wait = _try_lots(lane, pacer, now=clock())
        if chunk is not None or wait is None or wait > patience:
            return chunk
        wait = max(wait, 0.005)
        pacer.sleep(wait)
        patience -= wait


def _try_lots(lane: str, pacer: Pacer, *, now: datetime) -> tuple[Chunk | None, float | None]:
    """A chunk; or the shortest wait for a channel's bucket, None when no channel could carry anything at all."""
    lots = open_lots(lane=lane, now=now)
    if not lots:
        return None, None
    channels, policies = usable(now=now), dict(Route.objects.values_list("tier", "policy"))
    waits: list[float] = []
    for lot in lots:
        fitting = _fitting(lot, channels)
        for one in _ranked(lot, fitting, policies.get(lot.dispatch.tier, RoutePolicy.WEIGHTS), now=now):
            chunk, wait = _try(lot, one, pacer, is_urgent=lane == "urgent", now=now)
            if chunk is not None:
                return chunk, None
            waits.append(wait)
    return None, min(waits, default=None)


def _fitting(lot: Lot, channels: Sequence[Usable]) -> list[Usable]:
    """Channels that serve a lot; one that is tested carries its test even while it is drained or broken."""
    if lot.dispatch.only_channel_id is not None:
        tested = Channel.objects.filter(pk=lot.dispatch.only_channel_id).exclude(state=ChannelState.DISABLED)
        return [Usable(one, 100, None) for one in tested]
    return [one for one in channels if one.takes(tier=lot.dispatch.tier, carrier=lot.carrier)]


def _ranked(lot: Lot, fitting: Sequence[Usable], policy: str, *, now: datetime) -> Sequence[Usable]:
    if lot.dispatch.only_channel_id is not None:
        return fitting  # a channel is often tested before it is given any weight
    quality = delivered_percents(now=now) if policy == RoutePolicy.QUALITY else {}
    ways = [one.way(quality) for one in fitting]
    by_id = {one.channel.pk: one for one in fitting}
    return [by_id[channel_id] for channel_id in in_order(ways, policy=policy, point=secrets.randbelow(1_000_000_007))]


def _try(lot: Lot, one: Usable, pacer: Pacer, *, is_urgent: bool, now: datetime) -> tuple[Chunk | None, float]:
    wanted = one.channel.batch_size
    if one.quota_left is not None:
        wanted = max(1, min(wanted, one.quota_left // 10))  # each may be ten parts long
    granted, wait = pacer.reserve(channel=one.channel, parts=wanted, percent=one.percent, is_urgent=is_urgent)
    if not granted:
        return None, wait
    chunk = take(lot=lot, channel=one.channel, limit=granted, now=now)
    if chunk is None:
        pacer.charge(channel=one.channel, parts=-granted)
    return chunk, 0.0


class Rendered:
    """A message with what its provider will be given; `person` None when it can't be written at all."""

    __slots__ = ("fault", "message", "parts", "person")

    def __init__(self, message: Claimed, person: Person | None, fault: str = "") -> None:
        self.message = message
        self.person = person
        self.fault = fault
        self.parts = count_parts(person.text) if person is not None else 0


def render(chunk: Chunk) -> list[Rendered]:
    """The text and the phone of each message of a chunk, before anybody is asked whether it may go."""
    versions = texts_of(version_ids={one.template_version_id for one in chunk.messages})
    rendered = []
    for one in chunk.messages:
        try:
            person = Person(
                reference=reference_of(chunk.dispatch.month, one.id),
                phone=open_phone(one.phone_cipher),
                text=text_of(
                    version=versions[one.template_version_id], params=one.params,
                    opt_out_words=chunk.channel.opt_out_words,
                ),
            )  # fmt: skip
        except (MergeFieldMissing, CannotDecrypt) as incomplete:
            # Certainly not sent, and one such person must not make a whole chunk unsure.
            log.error("message_incomplete", extra={"message_id": one.id})
            rendered.append(Rendered(one, None, type(incomplete).__name__))
        else:
            rendered.append(Rendered(one, person))
    return rendered


def submit(*, chunk: Chunk, rendered: Sequence[Rendered]) -> list[Outcome]:
    """Hand a fenced chunk to its provider; needs no transaction and must not be given one."""
    if connection.in_atomic_block:
        raise RuntimeError("A provider is never called inside a transaction.")
    outcomes = [
        Outcome(one.message, 0, Refused(Category.INCOMPLETE, one.fault)) for one in rendered if one.person is None
    ]
    complete = [(one, one.person) for one in rendered if one.person is not None]
    if complete:
        results = _results(chunk, [person for _one, person in complete])
        pairs = zip(complete, results, strict=True)
        outcomes += [Outcome(one.message, one.parts, result) for (one, _person), result in pairs]
    return outcomes


def _results(chunk: Chunk, people: Sequence[Person]) -> list[Result]:
    try:
        results = list(adapter_for(chunk.channel).submit(people))
    except NotSubmitted as refusal:
        return [Refused(Category.AWAY, str(refusal)[:64])] * len(people)
    except Exception:  # an adapter's fault after the first byte: nobody knows, so nobody is written to again
        log.exception("adapter_failed", extra={"channel": chunk.channel.code, "handoff_id": chunk.handoff_id})
        return [Ambiguous("adapter fault")] * len(people)
    if len(results) != len(people):
        log.error("adapter_lost_count", extra={"channel": chunk.channel.code, "handoff_id": chunk.handoff_id})
        return [Ambiguous("results do not match people")] * len(people)
    return [Ambiguous("empty id") if one == Accepted("") else one for one in results]
