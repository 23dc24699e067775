"""Sealing and revealing phones."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from foundation.crypto import KeyRing, key_ring
from foundation.models import KeyFingerprint, Operator
from foundation.phone import Carrier, carrier_of
from foundation.services import audit

INDEX_PURPOSE = "phone-index"


@dataclass(frozen=True, slots=True)
class SealedPhone:
    """A phone as rows keep it: found by `hash`, shown by `tail`, called only after `cipher` is opened."""

    hash: UUID
    cipher: bytes
    tail: str
    carrier: Carrier


def confirm_index_key(ring: KeyRing) -> None:
    """
    Compare the index key with the one this database remembers; the first key ever is remembered.

    Raises ImproperlyConfigured when they differ, before anything is written with the wrong one.
    """
    mine = ring.index_fingerprint()
    kept, _new = KeyFingerprint.objects.get_or_create(purpose=INDEX_PURPOSE, defaults={"fingerprint": mine})
    if kept.fingerprint != mine:
        raise ImproperlyConfigured(
            "PHONE_INDEX_KEY is not the key this database was filled with: opt-outs could not be found. "
            "Put the old key back (see docs/howto/keys.md)."
        )


@cache
def confirmed_ring() -> KeyRing:
    """The key ring, checked against the database once a process."""
    ring = key_ring()
    confirm_index_key(ring)
    return ring


def hash_phone(mobile: str) -> UUID:
    """The look-up hash of an 11-digit mobile number."""
    return confirmed_ring().digest(mobile)


def seal(mobile: str) -> SealedPhone:
    """An 11-digit mobile number as rows keep it."""
    ring = confirmed_ring()
    return SealedPhone(ring.digest(mobile), ring.encrypt(mobile), mobile[-4:], carrier_of(mobile))


def open_phone(cipher: bytes) -> str:
    """The number itself, for handing to a channel. Never for a page: that is `reveal`."""
    return key_ring().decrypt(bytes(cipher))


@transaction.atomic
def reveal(*, cipher: bytes, subject: str, by: Operator, now: datetime) -> str:
    """The number for a person with the permission; leaves an audit entry each time."""
    audit.record(action="phone.revealed", subject=subject, by=by, now=now)
    return open_phone(cipher)
