"""Dispatches: opened, filled, released, paused, stopped, closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _
from psycopg.types.json import Jsonb

from delivery.models import CapPolicy, DayRule, Dispatch, DispatchState, TallyDelta
from delivery.rules.window import month_of
from foundation import queue
from foundation.db import execute, fetch_all
from foundation.errors import HasMoved

COLUMNS = (
    "month", "id", "dispatch_id", "variant", "dedupe_key", "tier", "template_version_id", "params", "member_id",
    "phone_hash", "phone_cipher", "phone_tail", "carrier", "is_demo", "state", "reason", "not_before", "expires_at",
    "fingerprint", "sender_ref",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One person of a dispatch, complete at birth: nothing of it is filled in later."""

    dedupe_key: UUID
    variant: str
    template_version_id: int
    params: dict[str, str]
    member_id: int | None
    phone_hash: UUID
    phone_cipher: bytes
    phone_tail: str
    carrier: str
    is_demo: bool
    fingerprint: UUID
    sender_ref: int | None = None
    not_before: datetime | None = None  # None: as its dispatch


def open_dispatch(
    *, source: str, tier: str, not_before: datetime, expires_at: datetime, now: datetime,
    window: tuple[int, int] = (480, 1260), cap_policy: str = CapPolicy.DEFER, priority: int = 100,
    day_rule: str = DayRule.ANY,
) -> Dispatch:  # fmt: skip
    """
    The dispatch of `source`, made now or found again; FILLING until `release`.

    Makes sure that the partition of its month exists. `window` is minutes of the day in Asia/Shanghai.
    """
    month = month_of(now)
    execute("SELECT delivery_ensure_partition(%(month)s)", {"month": month})
    facts: dict[str, Any] = {
        "month": month, "tier": tier, "not_before": not_before, "expires_at": expires_at, "created_at": now,
        "window_from_minute": window[0], "window_until_minute": window[1], "cap_policy": cap_policy,
        "priority": priority, "day_rule": day_rule,
    }  # fmt: skip
    dispatch, _made = Dispatch.objects.get_or_create(source=source, defaults=facts)
    return dispatch


def add_messages(*, dispatch: Dispatch, people: Sequence[NewMessage]) -> list[int]:
    """
    Write messages and their queue entries; returns the message ids in the order of `people`.

    A person who is already in the dispatch breaks the unique key and with it the caller's transaction,
    which is what makes a chunk that runs twice harmless. Needs an open transaction.
    """
    if not people:
        return []
    ids = _next_ids(len(people))
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY delivery_message ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for message_id, one in zip(ids, people, strict=True):
                copy.write_row(_row(dispatch, message_id, one))
        with cursor.copy(
            "COPY delivery_ready (message_id, month, dispatch_id, carrier, priority, not_before) FROM STDIN"
        ) as copy:
            for message_id, one in zip(ids, people, strict=True):
                due = one.not_before or dispatch.not_before
                copy.write_row((message_id, dispatch.month, dispatch.pk, one.carrier, dispatch.priority, due))
    _count_planned(dispatch, people)
    return ids


def _next_ids(count: int) -> list[int]:
    sql = "SELECT nextval('delivery_message_id_seq') FROM generate_series(1, %(count)s)"
    return [row[0] for row in fetch_all(sql, {"count": count})]


def _row(dispatch: Dispatch, message_id: int, one: NewMessage) -> tuple[Any, ...]:
    return (
        dispatch.month, message_id, dispatch.pk, one.variant, one.dedupe_key, dispatch.tier, one.template_version_id,
        Jsonb(one.params), one.member_id, one.phone_hash, one.phone_cipher, one.phone_tail, one.carrier, one.is_demo,
        "PLANNED", "", one.not_before or dispatch.not_before, dispatch.expires_at, one.fingerprint, one.sender_ref,
    )  # fmt: skip


def _count_planned(dispatch: Dispatch, people: Sequence[NewMessage]) -> None:
    variants = sorted({one.variant for one in people})
    hour = dispatch.not_before.replace(minute=0, second=0, microsecond=0)
    TallyDelta.objects.bulk_create(
        TallyDelta(
            dispatch_id=dispatch.pk, variant=variant, channel_id=0, hour=hour, state="PLANNED", reason="",
            message_count=sum(one.variant == variant for one in people), part_count=0, cost=0,
        )
        for variant in variants
    )  # fmt: skip


def _swap(dispatch_id: int, old: Sequence[str], new: str, refusal: Any) -> None:
    if not Dispatch.objects.filter(pk=dispatch_id, state__in=old).update(state=new):
        raise HasMoved(refusal)


def release(*, dispatch_id: int) -> None:
    """A filled dispatch may be sent. A repeat changes nothing."""
    if Dispatch.objects.filter(pk=dispatch_id, state=DispatchState.FILLING).update(state=DispatchState.OPEN):
        queue.ring("delivery.pump_bulk")


def pause(*, dispatch_id: int) -> None:
    """Nothing more leaves; what is at a provider already can't be held. Raises HasMoved."""
    _swap(dispatch_id, [DispatchState.OPEN], DispatchState.PAUSED, _("Only a sending dispatch can be paused."))


def resume(*, dispatch_id: int) -> None:
    """Sending goes on with the exact next person. Raises HasMoved."""
    _swap(dispatch_id, [DispatchState.PAUSED], DispatchState.OPEN, _("Only a paused dispatch can go on."))
    queue.ring("delivery.pump_bulk")


def stop(*, dispatch_id: int) -> None:
    """Give up what has not left; the sweep cancels the waiting messages. Raises HasMoved."""
    _swap(
        dispatch_id, [DispatchState.OPEN, DispatchState.PAUSED, DispatchState.FILLING], DispatchState.STOPPED,
        _("This dispatch has ended already."),
    )  # fmt: skip
    queue.ring("delivery.sweep")
