"""
Phones at rest: AES-GCM with key ids for rotation, and a keyed hash for look-ups.

The look-up key is fixed for the life of a database: another key would make every stored
hash unfindable, so opt-outs would silently stop to count. `foundation.services.phones`
compares its fingerprint with the one the database remembers.
"""

import base64
import hashlib
import os
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12
KEY_ID_BYTES = 4


class CannotDecrypt(Exception):
    """The value was made with a key that is not on the ring, or was altered."""


@dataclass(frozen=True)
class KeyRing:
    """Ciphers by key id; the first encrypts, all decrypt."""

    active: bytes
    ciphers: dict[bytes, AESGCM]
    index_key: bytes = field(repr=False)

    def encrypt(self, text: str) -> bytes:
        """Key id, nonce and ciphertext in one value; different at every call."""
        nonce = os.urandom(NONCE_BYTES)
        return self.active + nonce + self.ciphers[self.active].encrypt(nonce, text.encode(), None)

    def decrypt(self, value: bytes) -> str:
        """The text of a value made by `encrypt`. Raises CannotDecrypt."""
        key_id, nonce, body = value[:KEY_ID_BYTES], value[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES], value[16:]
        cipher = self.ciphers.get(bytes(key_id))
        if cipher is None:
            raise CannotDecrypt("The key of this value is not on the key ring.")
        try:
            return cipher.decrypt(bytes(nonce), bytes(body), None).decode()
        except InvalidTag as broken:
            raise CannotDecrypt("This value was altered or made with another key.") from broken

    def digest(self, text: str) -> UUID:
        """The keyed 128-bit BLAKE2b hash of a text; equal texts give equal hashes, for ever."""
        return UUID(bytes=hashlib.blake2b(text.encode(), key=self.index_key, digest_size=16).digest())

    def index_fingerprint(self) -> str:
        """A name for the index key that tells nothing about it."""
        return hashlib.blake2b(self.index_key, person=b"index-key", digest_size=16).hexdigest()


def parse_key(text: str, what: str) -> bytes:
    """32 bytes from base64. Raises ImproperlyConfigured with `what` in the sentence."""
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as broken:
        raise ImproperlyConfigured(f"{what} is not base64.") from broken
    if len(key) != 32:
        raise ImproperlyConfigured(f"{what} must be 32 bytes, it has {len(key)}.")
    return key


def parse_ring(phone_keys: str, index_key: str) -> KeyRing:
    """A ring from `id:base64,id:base64` (first one encrypts) and the base64 index key."""
    ciphers: dict[bytes, AESGCM] = {}
    for part in phone_keys.split(","):
        key_id, _, key = part.strip().partition(":")
        if not 1 <= len(key_id.encode()) <= KEY_ID_BYTES:
            raise ImproperlyConfigured("PHONE_KEYS needs ids of one to four characters, like k1:<base64>.")
        ciphers[key_id.encode().ljust(KEY_ID_BYTES, b"\0")] = AESGCM(parse_key(key, f"PHONE_KEYS {key_id}"))
    return KeyRing(next(iter(ciphers)), ciphers, parse_key(index_key, "PHONE_INDEX_KEY"))


@cache
def key_ring() -> KeyRing:
    """The ring of this process, from settings."""
    return parse_ring(settings.PHONE_KEYS, settings.PHONE_INDEX_KEY)
