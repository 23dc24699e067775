"""Rows to work on: phones, consents and planned messages, made with fixed numbers."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from delivery.models import Dispatch
from delivery.services import dispatches
from foundation.db import execute
from tests.factories import NOON, make_dispatch, make_version, mobile, new_message

CHUNK = 5_000

CONSENTS = """
INSERT INTO members_phonegate (phone_hash, consent, changed_at)
SELECT phone_hash, 'GRANTED', %(now)s FROM delivery_message ORDER BY phone_hash ON CONFLICT DO NOTHING
"""


def planned_messages(n: int) -> Dispatch:
    """An open dispatch of `n` planned messages to consenting phones."""
    dispatch = make_dispatch(is_open=False)
    version = make_version("{name|会员}您好，周末全场八折，欢迎到店。")
    for chunk in _chunks(n):
        people = [new_message(mobile(number), version, params={"name": f"会员{number}"}) for number in chunk]
        with transaction.atomic():
            dispatches.add_messages(dispatch=dispatch, people=people)
    execute(CONSENTS, {"now": NOON})
    dispatches.release(dispatch_id=dispatch.pk)
    vacuum("delivery_message", "delivery_ready", "members_phonegate")
    dispatch.refresh_from_db()
    return dispatch


def _chunks(n: int) -> Iterator[range]:
    for start in range(0, n, CHUNK):
        yield range(start, min(start + CHUNK, n))


def vacuum(*tables: str) -> None:
    """What autovacuum would have done by then."""
    for table in tables:
        execute(f"VACUUM (ANALYZE) {table}")
    execute("CHECKPOINT")


def expect(what: str, found: Any, wanted: Any) -> None:
    """Stop loudly when the work was not done."""
    if found != wanted:
        raise SystemExit(f"The benchmark is void: {what} is {found}, not {wanted}.")
