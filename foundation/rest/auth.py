"""Who calls: a signed key, from where it may, no faster than it may."""

import ipaddress
import logging
import time
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import authentication, exceptions, permissions, throttling
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation import clock
from foundation.cache import count, is_first
from foundation.http import client_address
from foundation.models import ApiKey, Operator
from foundation.rest.signature import NONCE, TOLERANCE_SECONDS, is_signed_by, text_to_sign
from foundation.services import api_keys

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 60
DENIED = {
    # One answer for an unknown key, an ended one and a wrong signature: nobody learns which keys there are.
    "BAD_SIGNATURE": "No such key, or the signature is wrong.",
    "BAD_TIMESTAMP": "X-Timestamp must be Unix seconds, at most five minutes off.",
    "BAD_NONCE": "X-Nonce needs 16 to 64 letters, digits, - or _.",
    "REPLAYED": "This nonce was used before; make a new one for each call.",
    "FORBIDDEN_ADDRESS": "This key may not call from this address.",
}


class Denied(exceptions.AuthenticationFailed):
    """A call that nobody vouches for."""

    def __init__(self, code: str) -> None:
        super().__init__(DENIED[code], code)


class SignedKeyAuthentication(authentication.BaseAuthentication):
    """
    HMAC over the call: headers X-Key, X-Timestamp, X-Nonce, X-Signature. Raises Denied.

    `request.user` is the operator that the key acts as, `request.auth` the key.
    """

    def authenticate(self, request: Request) -> tuple[Operator, ApiKey] | None:
        key_id = request.headers.get("X-Key", "")
        if not key_id:
            return None
        key = ApiKey.objects.select_related("operator").prefetch_related("secrets").filter(key_id=key_id).first()
        try:
            self._check(request, key)
        except Denied as denied:
            sample_denied(request, key, str(denied.get_codes()))
            raise
        assert key is not None
        api_keys.note_use(key=key, address=client_address(request._request), now=clock.now())
        return key.operator, key

    def authenticate_header(self, request: Request) -> str:
        return 'HMAC-SHA256 realm="api"'

    def _check(self, request: Request, key: ApiKey | None) -> None:
        timestamp, nonce = request.headers.get("X-Timestamp", ""), request.headers.get("X-Nonce", "")
        # The machine's clock, not the business clock, which may be shifted to try things out.
        if not _is_near(timestamp, time.time()):
            raise Denied("BAD_TIMESTAMP")
        if not NONCE.match(nonce):
            raise Denied("BAD_NONCE")
        text = text_to_sign(
            method=request.method or "", address=request._request.get_full_path(), timestamp=timestamp, nonce=nonce,
            body=request._request.body,
        )  # fmt: skip
        signature, now = request.headers.get("X-Signature", ""), clock.now()
        known = api_keys.live_secrets(key=key, now=now) if key is not None else ["nobody's"]
        # A list: every secret is tried, so that time tells nothing about which one it was.
        is_signed = True in [is_signed_by(secret, text, signature) for secret in known]
        if key is None or not is_signed or not api_keys.is_live(key=key, now=now):
            raise Denied("BAD_SIGNATURE")
        if not _is_from(client_address(request._request), key.networks):
            raise Denied("FORBIDDEN_ADDRESS")
        if not api_keys.use_nonce(key=key, nonce=nonce, now=now):
            raise Denied("REPLAYED")


def _is_near(timestamp: str, now: float) -> bool:
    return timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12 and (
        abs(int(timestamp) - now) <= TOLERANCE_SECONDS
    )  # fmt: skip


def _is_from(address: str, networks: list[str]) -> bool:
    if not networks:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(here in ipaddress.ip_network(network) for network in networks)


def sample_denied(request: Request, key: ApiKey | None, code: str) -> None:
    """Write one refused call a minute of each key, address and code into the audit; all of them into the log."""
    # The pattern and not the address: that may hold a card number, which must not stay in the audit for good.
    match = request._request.resolver_match
    address, path = client_address(request._request), f"/{match.route}" if match else ""
    log.warning("api_denied", extra={"code": code, "key_id": key.key_id if key else "", "path": path})
    if is_first(f"api-denied:{key.pk if key else 0}:{code}:{address}", seconds=SAMPLE_SECONDS):
        api_keys.note_denied(key=key, code=code, address=address, path=path, now=clock.now())


class HasScope(permissions.BasePermission):
    """The key has the scope that the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        method = "GET" if request.method == "HEAD" else request.method or ""
        wanted = view.scopes.get(method)  # type: ignore[attr-defined]
        if wanted is None:
            raise exceptions.MethodNotAllowed(method)
        if wanted in key.scopes:
            return True
        sample_denied(request, key, "SCOPE")
        raise exceptions.PermissionDenied(_("This key lacks the scope %(scope)s.") % {"scope": wanted}, "SCOPE")


class KeyThrottle(throttling.BaseThrottle):
    """No more calls a minute than the key may; counted in the shared cache. While that is away nobody is held up."""

    def allow_request(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return True
        minute = int(time.time()) // 60
        return count(f"api-calls:{key.pk}:{minute}", seconds=120) <= key.calls_per_minute

    def wait(self) -> float:
        return 60 - time.time() % 60
