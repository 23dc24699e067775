"""The one way a message changes state after its claim."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from delivery.models import Dispatch, MessageNews
from delivery.rules.states import ALLOWED_PAIRS, NOT_SENT, TOLD
from delivery.rules.unsure import first_check
from foundation.db import fetch_dicts, load_sql
from foundation.services import outbox

API_SOURCE = "api:"  # how the dispatches of other systems are called: delivery.api


@dataclass(frozen=True, slots=True)
class Move:
    """Where one message shall go. None keeps the column; `cost` is 1/10000 yuan."""

    message_id: int
    state: str
    reason: str = ""
    parts: int | None = None
    cost: int | None = None
    not_before: datetime | None = None
    tries: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A message that did move, and from where."""

    id: int
    old_state: str
    state: str
    reason: str
    dispatch_id: int
    channel_id: int | None
    sender_ref: int | None
    phone_hash: UUID
    submitted_at: datetime | None


def move(*, month: date, moves: Iterable[Move], now: datetime) -> list[Moved]:
    """
    Compare-and-swap messages of one month; returns those that moved, ordered by id.

    A move that the transition table forbids leaves its row alone, so a repeat changes nothing.
    Tally deltas, queue entries, the news "delivery.not_sent" (with the sender's own references) and what other systems
    are told of their notices are written in the same transaction. Needs an open transaction.
    """
    wanted = sorted({one.message_id: one for one in moves}.values(), key=lambda one: one.message_id)
    if not wanted:
        return []
    columns: dict[str, Any] = {
        "ids": [one.message_id for one in wanted],
        "states": [one.state for one in wanted],
        "reasons": [one.reason for one in wanted],
        "parts": [one.parts for one in wanted],
        "costs": [one.cost for one in wanted],
        "not_befores": [one.not_before for one in wanted],
        "tries": [one.tries for one in wanted],
    }
    first = now + first_check(settings.UNSURE_GRACE_SECONDS)
    facts = {"month": month, "now": now, "allowed": ALLOWED_PAIRS, "first_check": first}
    rows = fetch_dicts(load_sql("delivery", "move_messages"), {**columns, **facts})
    moved = [Moved(**row) for row in rows]
    ended = [one for one in moved if one.state in TOLD]
    if ended:
        sources = dict(Dispatch.objects.filter(pk__in={one.dispatch_id for one in ended}).values_list("pk", "source"))
        _tell_not_sent(ended, sources, now=now)
        _tell_systems(month, ended, sources, now=now)
    return moved


def _tell_systems(month: date, ended: list[Moved], sources: dict[int, str], *, now: datetime) -> None:
    """Notices that were asked for by other systems; a campaign's million leaves nothing here."""
    MessageNews.objects.bulk_create(
        MessageNews(
            month=month, message_id=one.id, dispatch_id=one.dispatch_id, state=one.state, reason=one.reason, at=now
        )
        for one in ended if sources.get(one.dispatch_id, "").startswith(API_SOURCE)
    )  # fmt: skip


def _tell_not_sent(ended: list[Moved], sources: dict[int, str], *, now: datetime) -> None:
    refs: dict[int, list[int]] = defaultdict(list)
    for one in ended:
        if one.state in NOT_SENT and one.sender_ref is not None:
            refs[one.dispatch_id].append(one.sender_ref)
    for dispatch_id, sender_refs in sorted(refs.items()):
        payload = {"source": sources[dispatch_id], "sender_refs": sender_refs}
        outbox.publish(topic="delivery.not_sent", payload=payload, now=now)
