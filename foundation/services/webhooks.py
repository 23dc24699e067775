"""
Telling other systems what happened: calls written from the ledgers, signed, repeated until they are taken.

Nothing is added to the transactions that make news: rows of ledgers that are final (see `sealing`) become calls
behind a cursor, so that none is left out and none is told under two numbers.
"""

import base64
import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from standardwebhooks.webhooks import Webhook

from foundation.crypto import key_ring
from foundation.db import fetch_all, fetch_value
from foundation.errors import HasMoved, NameTaken
from foundation.models import Operator, WebhookCall, WebhookCallState, WebhookCursor, WebhookEndpoint
from foundation.services import alerts, audit
from foundation.services.ledgers import Ledger
from foundation.services.sealing import final_ids

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5  # a ledger that is busy for longer is looked at the next time
ROWS_AT_ONCE = 500
CALLS_AT_ONCE = 20
TIMEOUT = httpx.Timeout(5)
LEASE = timedelta(minutes=2)  # longer than CALLS_AT_ONCE calls that all time out
# How long a call waits after each try that was not taken; after the last one it is given up: about two days.
WAITS = [timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
         timedelta(hours=6), timedelta(hours=12), timedelta(hours=24)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feed:
    """A topic: the ledger whose rows it tells, and what it says of the rows between two ids (the first excluded)."""

    topic: str
    ledger: Ledger
    tell: Callable[[int, int, int], Sequence[tuple[int, dict[str, Any]]]]


def feeds() -> dict[str, Feed]:
    """Every topic of the house."""
    found: list[Feed] = [import_string(path) for path in settings.WEBHOOK_FEEDS]
    return {one.topic: one for one in found}


@transaction.atomic
def make_endpoint(
    *, name: str, url: str, topics: Sequence[str], by: Operator, now: datetime
) -> tuple[WebhookEndpoint, str]:  # fmt: skip
    """A new endpoint and its secret, which is shown once. It is told what happens from now on. Raises NameTaken."""
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
    try:
        with transaction.atomic():
            endpoint = WebhookEndpoint.objects.create(
                name=name, url=url, topics=sorted(set(topics)), cipher=key_ring().encrypt(secret), made_by=by,
                made_at=now,
            )  # fmt: skip
    except IntegrityError as taken:
        raise NameTaken(_("There is a webhook with this name already.")) from taken
    known = feeds()
    for topic in endpoint.topics:
        last = fetch_value(f"SELECT COALESCE(max(id), 0) FROM {known[topic].ledger.table}")
        WebhookCursor.objects.create(endpoint=endpoint, topic=topic, last_id=last)
    audit.record(action="webhook.made", subject=endpoint.subject, by=by, now=now, url=url, topics=endpoint.topics)
    return endpoint, secret


@transaction.atomic
def switch(*, endpoint_id: int, is_active: bool, by: Operator, now: datetime) -> None:
    """Tell an endpoint, or no more; what happens meanwhile waits for it. Raises HasMoved."""
    if not WebhookEndpoint.objects.filter(pk=endpoint_id, is_active=not is_active).update(is_active=is_active):
        raise HasMoved(_("Somebody was faster: this webhook is switched already."))
    action = "webhook.switched_on" if is_active else "webhook.switched_off"
    audit.record(action=action, subject=f"foundation.webhookendpoint:{endpoint_id}", by=by, now=now)


@transaction.atomic
def replay(*, call_id: int, by: Operator, now: datetime) -> None:
    """Tell one thing again, under its old number. Raises HasMoved while it waits anyway."""
    ended = WebhookCall.objects.filter(pk=call_id).exclude(state=WebhookCallState.WAITING)
    if not ended.update(state=WebhookCallState.WAITING, attempts_count=0, not_before=now, done_at=None):
        raise HasMoved(_("It waits to be told already."))
    audit.record(action="webhook.replayed", subject=f"foundation.webhookcall:{call_id}", by=by, now=now)


def write_calls(*, now: datetime, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Turn what is new and final in the ledgers into calls; returns how many. May run twice at once."""
    known = feeds()
    cursors = list(WebhookCursor.objects.filter(endpoint__is_active=True).order_by("id"))
    ledgers = {known[one.topic].ledger.name: known[one.topic].ledger for one in cursors if one.topic in known}
    final = final_ids(list(ledgers.values()), patience_seconds=patience_seconds) if ledgers else {}
    written = 0
    for cursor in cursors:
        feed = known.get(cursor.topic)
        if feed is not None and feed.ledger.table in final:
            written += _advance(cursor.pk, feed, final[feed.ledger.table], now=now)
    return written


@transaction.atomic
def _advance(cursor_id: int, feed: Feed, until: int, *, now: datetime) -> int:
    cursor = WebhookCursor.objects.select_for_update().get(pk=cursor_id)
    rows = feed.tell(cursor.last_id, until, ROWS_AT_ONCE)
    WebhookCall.objects.bulk_create(
        [
            WebhookCall(
                endpoint_id=cursor.endpoint_id, topic=feed.topic, row_id=row_id, payload=payload, not_before=now,
                created_at=now,
            )
            for row_id, payload in rows
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    last = rows[-1][0] if len(rows) == ROWS_AT_ONCE else until
    WebhookCursor.objects.filter(pk=cursor_id, last_id__lt=last).update(last_id=last)
    return len(rows)


TAKE = """
UPDATE foundation_webhookcall SET not_before = %(lease)s, attempts_count = attempts_count + 1 WHERE id IN (
    SELECT c.id FROM foundation_webhookcall c JOIN foundation_webhookendpoint e ON e.id = c.endpoint_id
    WHERE c.state = 'WAITING' AND c.not_before <= %(now)s AND e.is_active
    ORDER BY c.not_before, c.id LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED
) RETURNING id
"""


def call_due(*, now: datetime, send: Callable[..., httpx.Response] = httpx.post) -> int:
    """
    Make the calls that are due, a few at once; returns how many were taken by their receivers.

    A worker that dies leaves its calls to the next one after LEASE. Needs no transaction and must not be given one.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Nobody is called inside a transaction.")
    ids = [row[0] for row in fetch_all(TAKE, {"now": now, "lease": now + LEASE, "limit": CALLS_AT_ONCE})]
    calls = WebhookCall.objects.select_related("endpoint").filter(pk__in=ids).order_by("id")
    return sum(_call(one, send, now=now) for one in calls)


def _call(call: WebhookCall, send: Callable[..., httpx.Response], *, now: datetime) -> bool:
    body = json.dumps({"type": call.topic, "timestamp": call.created_at.isoformat(), "data": call.payload})
    signed_at, number = datetime.fromtimestamp(time.time(), tz=now.tzinfo), f"msg_{call.pk}"
    secret = key_ring().decrypt(bytes(call.endpoint.cipher))
    headers = {
        "content-type": "application/json", "webhook-id": number, "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(number, signed_at, body),
    }  # fmt: skip
    try:
        status = send(
            call.endpoint.url, content=body, headers=headers, timeout=TIMEOUT, follow_redirects=False
        ).status_code  # fmt: skip
        answer = str(status)
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        status, answer = 0, type(fault).__name__
    _record(call, status, answer, now=now)
    return 200 <= status < 300


@transaction.atomic
def _record(call: WebhookCall, status: int, answer: str, *, now: datetime) -> None:
    waiting = WebhookCall.objects.filter(
        pk=call.pk, state=WebhookCallState.WAITING, attempts_count=call.attempts_count
    )  # fmt: skip
    subject = call.endpoint.subject
    if 200 <= status < 300:
        waiting.update(state=WebhookCallState.DONE, done_at=now, answer=answer)
        alerts.clear(code="WEBHOOK_FAILING", subject=subject, now=now)
    elif call.attempts_count > len(WAITS):
        waiting.update(state=WebhookCallState.FAILED, done_at=now, answer=answer)
        alerts.raise_alert(code="WEBHOOK_FAILING", subject=subject, now=now, name=call.endpoint.name, why=answer)
    else:
        waiting.update(not_before=now + WAITS[call.attempts_count - 1], answer=answer)
    log.info("webhook_called", extra={"call_id": call.pk, "answer": answer, "attempts": call.attempts_count})
