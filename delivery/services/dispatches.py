"""Dispatches: opened, filled, released, paused, stopped, closed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from delivery.models import CapPolicy, DayRule, Dispatch, DispatchState
from delivery.rules.window import month_of
from foundation import queue
from foundation.db import execute, fetch_all, load_sql
from foundation.errors import HasMoved
from templates_sms.models import Tier


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
    day_rule: str = DayRule.ANY, only_channel_id: int | None = None,
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
        "priority": priority, "day_rule": day_rule, "only_channel_id": only_channel_id,
    }  # fmt: skip
    dispatch, _made = Dispatch.objects.get_or_create(source=source, defaults=facts)
    return dispatch


# The columns of a SELECT of people, one for each field of NewMessage.
PEOPLE = """
SELECT dedupe_key, variant, template_version_id, params::jsonb AS params, member_id, phone_hash, phone_cipher,
       phone_tail, carrier, is_demo, fingerprint, sender_ref, not_before
FROM unnest(%(each_dedupe_key)s::uuid[], %(each_variant)s::text[], %(each_template_version_id)s::bigint[],
            %(each_params)s::text[], %(each_member_id)s::bigint[], %(each_phone_hash)s::uuid[],
            %(each_phone_cipher)s::bytea[], %(each_phone_tail)s::text[], %(each_carrier)s::text[],
            %(each_is_demo)s::boolean[], %(each_fingerprint)s::uuid[], %(each_sender_ref)s::bigint[],
            %(each_not_before)s::timestamptz[])
    WITH ORDINALITY AS p(dedupe_key, variant, template_version_id, params, member_id, phone_hash, phone_cipher,
                         phone_tail, carrier, is_demo, fingerprint, sender_ref, not_before, place)
ORDER BY place
"""


def add_messages(*, dispatch: Dispatch, people: Sequence[NewMessage]) -> list[int]:
    """
    Write messages and their queue entries; returns the message ids in the order of `people`.

    A person who is already in the dispatch breaks the unique key and with it the caller's transaction,
    which is what makes a chunk that runs twice harmless. Needs an open transaction.
    """
    if not people:
        return []
    columns = {f"each_{one.name}": [getattr(who, one.name) for who in people] for one in fields(NewMessage)}
    columns["each_params"] = [json.dumps(who.params) for who in people]
    return add_selected(dispatch=dispatch, people=PEOPLE, params=columns)


def add_selected(*, dispatch: Dispatch, people: str, params: Mapping[str, Any]) -> list[int]:
    """
    `add_messages` for people whom a SELECT finds, so that a million need not pass through Python.

    `people` yields a column for each field of NewMessage, `params` as jsonb; its named values are in `params`.
    """
    facts = {
        "month": dispatch.month, "dispatch_id": dispatch.pk, "tier": dispatch.tier, "not_before": dispatch.not_before,
        "expires_at": dispatch.expires_at, "priority": dispatch.priority,
    }  # fmt: skip
    sql = load_sql("delivery", "add_messages").replace("{people}", people)
    return [row[0] for row in fetch_all(sql, {**params, **facts})]


def _swap(dispatch_id: int, old: Sequence[str], new: str, refusal: Any) -> None:
    if not Dispatch.objects.filter(pk=dispatch_id, state__in=old).update(state=new):
        raise HasMoved(refusal)


def _ring(dispatch_id: int) -> None:
    is_bulk = Dispatch.objects.filter(pk=dispatch_id, tier=Tier.MARKETING).exists()
    queue.ring("delivery.pump_bulk" if is_bulk else "delivery.pump_urgent")


def release(*, dispatch_id: int) -> None:
    """A filled dispatch may be sent. A repeat changes nothing."""
    if Dispatch.objects.filter(pk=dispatch_id, state=DispatchState.FILLING).update(state=DispatchState.OPEN):
        _ring(dispatch_id)


def pause(*, dispatch_id: int) -> None:
    """Nothing more leaves; what is at a provider already can't be held. Raises HasMoved."""
    _swap(dispatch_id, [DispatchState.OPEN], DispatchState.PAUSED, _("Only a sending dispatch can be paused."))


def resume(*, dispatch_id: int) -> None:
    """Sending goes on with the exact next person. Raises HasMoved."""
    _swap(dispatch_id, [DispatchState.PAUSED], DispatchState.OPEN, _("Only a paused dispatch can go on."))
    _ring(dispatch_id)


def stop(*, dispatch_id: int) -> None:
    """Give up what has not left; the sweep cancels the waiting messages. Raises HasMoved."""
    _swap(
        dispatch_id, [DispatchState.OPEN, DispatchState.PAUSED, DispatchState.FILLING], DispatchState.STOPPED,
        _("This dispatch has ended already."),
    )  # fmt: skip
    queue.ring("delivery.sweep")
