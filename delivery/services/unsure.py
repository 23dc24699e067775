"""Settling messages that may or may not have been taken: by the provider's word, or by a person's."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from delivery.models import Channel, UnsureMessage, VendorRef
from delivery.port import Absent, Accepted, Ambiguous, Answer, Question, Refused
from delivery.registry import adapter_for
from delivery.rules.reference import reference_of
from delivery.rules.unsure import is_absent, next_check
from delivery.services.caps import give_back_slots
from delivery.services.ledger import Move, move
from foundation.db import fetch_dicts
from foundation.errors import DomainError, HasMoved
from foundation.models import Operator
from foundation.services import alerts, audit
from foundation.services.phones import open_phone

log = logging.getLogger(__name__)

BATCH = 20  # some providers are asked one by one, up to settings.VENDOR_TIMEOUT_SECONDS each
ASKED = timedelta(minutes=2)  # while one worker asks, others leave these alone

CLAIM = """
WITH due AS (
    SELECT message_id FROM delivery_unsuremessage WHERE next_check_at <= %(now)s
    ORDER BY next_check_at, message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE delivery_unsuremessage u SET next_check_at = %(asked)s FROM due
    WHERE u.message_id = due.message_id
    RETURNING u.message_id, u.month, u.channel_id, u.since, u.check_count, u.absent_count
)
SELECT c.*, m.phone_cipher, COALESCE(m.submitted_at, c.since) AS submitted_at
FROM claimed c JOIN delivery_message m ON m.month = c.month AND m.id = c.message_id
ORDER BY c.message_id
"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An unsure message in the hands of the one who asks."""

    message_id: int
    month: date
    channel_id: int
    since: datetime
    check_count: int
    absent_count: int
    phone_cipher: bytes
    submitted_at: datetime

    @property
    def reference(self) -> str:
        """Our number for it, as the provider was given it."""
        return reference_of(self.month, self.message_id)


def ask_due(*, clock: Callable[[], datetime]) -> int:
    """
    Ask providers about the next BATCH of unsure messages whose time has come and settle what they know; returns how
    many were asked, 0 when none is due.

    Asked again ever less often; after settings.UNSURE_GIVE_UP_HOURS only a late receipt or a person settles them.
    """
    by_channel: dict[int, list[Doubt]] = defaultdict(list)
    doubts = _claim(now=clock())
    for doubt in doubts:
        by_channel[doubt.channel_id].append(doubt)
    for channel_id, some in sorted(by_channel.items()):
        _settle(channel_id, some, _ask(channel_id, some), now=clock())
    return len(doubts)


def _claim(*, now: datetime) -> list[Doubt]:
    rows = fetch_dicts(CLAIM, {"now": now, "asked": now + ASKED, "limit": BATCH})
    return [Doubt(**row) for row in rows]


def _ask(channel_id: int, doubts: Sequence[Doubt]) -> list[Answer]:
    if connection.in_atomic_block:
        raise RuntimeError("A provider is never called inside a transaction.")
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None:
        return [Ambiguous("no channel")] * len(doubts)
    questions = [Question(one.reference, open_phone(one.phone_cipher), one.submitted_at) for one in doubts]
    try:
        answers = list(adapter_for(channel).query(questions))
    except Exception:  # an adapter's fault tells nothing about the messages; they are asked about again
        log.exception("query_failed", extra={"channel": channel.code})
        answers = []
    return answers if len(answers) == len(doubts) else [Ambiguous("no answer")] * len(doubts)


@transaction.atomic(durable=True)
def _settle(channel_id: int, doubts: Sequence[Doubt], answers: Sequence[Answer], *, now: datetime) -> None:
    moves: dict[date, list[Move]] = defaultdict(list)
    for doubt, answer in zip(doubts, answers, strict=True):
        verdict = _verdict(doubt, answer, now=now)
        if verdict is None:
            _ask_later(doubt, answer, now=now)
        else:
            moves[doubt.month].append(verdict)
    refs = [
        VendorRef(
            channel_id=channel_id, vendor_id=answer.vendor_id, month=doubt.month, message_id=doubt.message_id,
            created_at=now,
        )
        for doubt, answer in zip(doubts, answers, strict=True) if isinstance(answer, Accepted)
    ]  # fmt: skip
    VendorRef.objects.bulk_create(refs, ignore_conflicts=True)
    for month, wanted in sorted(moves.items()):
        _move(month, wanted, now=now)


def _verdict(doubt: Doubt, answer: Answer, *, now: datetime) -> Move | None:
    if isinstance(answer, Accepted):
        return Move(doubt.message_id, "ACCEPTED", "")
    if isinstance(answer, Refused):
        return Move(doubt.message_id, "REFUSED", answer.category, cost=0)
    believed = isinstance(answer, Absent) and is_absent(
        absent=doubt.absent_count + 1, since=doubt.since, now=now, grace_seconds=settings.UNSURE_GRACE_SECONDS
    )
    return Move(doubt.message_id, "REFUSED", "NEVER_TAKEN", cost=0) if believed else None


def _ask_later(doubt: Doubt, answer: Answer, *, now: datetime) -> None:
    checks = doubt.check_count + 1
    again = next_check(checks=checks, now=now, grace_seconds=settings.UNSURE_GRACE_SECONDS)
    is_over = now - doubt.since >= timedelta(hours=settings.UNSURE_GIVE_UP_HOURS)
    # Null: somebody said meanwhile that nobody asks any more.
    UnsureMessage.objects.filter(pk=doubt.message_id, next_check_at__isnull=False).update(
        next_check_at=None if is_over else again, check_count=min(checks, 30_000),
        absent_count=doubt.absent_count + isinstance(answer, Absent),
    )  # fmt: skip
    if is_over:
        alerts.raise_alert(code="UNSURE_OLD", subject=f"delivery.channel:{doubt.channel_id}", now=now)


def _move(month: date, moves: Sequence[Move], *, now: datetime) -> int:
    moved = move(month=month, moves=moves, now=now)
    give_back_slots(message_ids=[one.id for one in moved if one.state == "REFUSED"])
    return len(moved)


@transaction.atomic
def decide(*, message_ids: Sequence[int], was_sent: bool, by: Operator, now: datetime) -> int:
    """
    A person says of unsure messages whether they were sent; returns how many that settled.

    "Not sent" gives back cap slot and coupon; marketing is not sent again either way. Raises HasMoved when nothing
    of it is unsure any more, DomainError without messages.
    """
    if not message_ids:
        raise DomainError(_("Choose at least one message."))
    rows = UnsureMessage.objects.filter(pk__in=message_ids).values_list("month", "message_id")
    wanted: dict[date, list[Move]] = defaultdict(list)
    for month, message_id in rows:
        state, cost = ("ACCEPTED", None) if was_sent else ("REFUSED", 0)
        wanted[month].append(Move(message_id, state, "BY_PERSON", cost=cost))
    settled = sum(_move(month, moves, now=now) for month, moves in sorted(wanted.items()))
    if not settled:
        raise HasMoved(_("These messages are settled already."))
    audit.record(
        action="unsure.decided", subject="delivery.unsuremessage", by=by, now=now, messages=sorted(message_ids),
        was_sent=was_sent,
    )  # fmt: skip
    return settled
