"""The consent ledger and the gate rows that hold its last word."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from foundation.db import execute, fetch_all
from foundation.models import Operator
from members.models import Consent, ConsentEvent, Erasure, PhoneGate, Suppression, SuppressionKind

ENSURE = """
INSERT INTO members_phonegate (phone_hash, consent, changed_at)
SELECT h, 'NONE', %(now)s FROM unnest(%(hashes)s::uuid[]) AS h ORDER BY h
ON CONFLICT (phone_hash) DO NOTHING
"""
LOCK = """
SELECT phone_hash, consent FROM members_phonegate WHERE phone_hash = ANY(%(hashes)s::uuid[])
ORDER BY phone_hash FOR UPDATE
"""


def lock_gates(*, phone_hashes: Sequence[UUID], now: datetime) -> dict[UUID, str]:
    """
    Lock the gate rows of distinct phones in sorted order; returns their consent.

    Rows that are missing are made by whoever comes first. Needs an open transaction: the locks last
    until its end, and an opt-out waits for them or goes before.
    """
    hashes = sorted(set(phone_hashes))
    locked = dict(fetch_all(LOCK, {"hashes": hashes}))
    if len(locked) < len(hashes):
        # Made sorted too; locking again keeps one order for all, whoever made the row.
        execute(ENSURE, {"hashes": [h for h in hashes if h not in locked], "now": now})
        locked = dict(fetch_all(LOCK, {"hashes": hashes}))
    return locked


@transaction.atomic
def opt_out(
    *, phone_hash: UUID, source: str, proof: str, now: datetime, reason: str = "", by: Operator | None = None
) -> bool:
    """
    No more marketing to this phone, from the commit of this transaction on. A repeat changes nothing.

    Returns whether it was new. `proof` says where it can be seen again.
    """
    return _change(phone_hash, Consent.OPTED_OUT, source=source, proof=proof, now=now, reason=reason, by=by)


@transaction.atomic
def grant(*, phone_hash: UUID, source: str, proof: str, now: datetime, by: Operator | None = None) -> bool:
    """
    A fresh consent given by the person themself; the only way back from an opt-out. A repeat changes nothing.

    Who was erased comes anew by it: they may be written to, and files may bring their card again.
    """
    is_new = _change(phone_hash, Consent.GRANTED, source=source, proof=proof, now=now, reason="", by=by)
    Suppression.objects.filter(phone_hash=phone_hash, kind=SuppressionKind.ERASED).delete()
    Erasure.objects.filter(phone_hash=phone_hash).delete()
    return is_new


def _change(
    phone_hash: UUID, consent: Consent, *, source: str, proof: str, now: datetime, reason: str, by: Operator | None
) -> bool:
    if lock_gates(phone_hashes=[phone_hash], now=now)[phone_hash] == consent:
        return False
    PhoneGate.objects.filter(phone_hash=phone_hash).update(consent=consent, changed_at=now)
    ConsentEvent.objects.create(
        phone_hash=phone_hash, consent=consent, source=source, proof=proof, reason=reason, at=now, by=by
    )
    return True
