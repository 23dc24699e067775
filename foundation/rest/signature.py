"""The signature of a call: HMAC-SHA256 over method, address, time, nonce and the hash of the body."""

import hashlib
import hmac
import re
from typing import Final

VERSION: Final = "v1"
NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}\Z", re.ASCII)
TOLERANCE_SECONDS: Final = 300  # clocks of other machines differ


def text_to_sign(*, method: str, address: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """
    What is signed, one a line: version, method, path with query as sent, Unix seconds, nonce, SHA-256 of the body.

    No part can hold a line break, so two different calls never give the same text.
    """
    parts = (VERSION, method.upper(), address, timestamp, nonce, hashlib.sha256(body).hexdigest())
    return "\n".join(parts).encode()


def sign(secret: str, text: bytes) -> str:
    """The signature in hex."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def is_signed_by(secret: str, text: bytes, signature: str) -> bool:
    """Whether a signature is that of a secret; takes as long for a wrong one."""
    return hmac.compare_digest(sign(secret, text).encode(), signature.encode())
