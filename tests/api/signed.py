"""A system that signs its calls, for tests."""

import json
import secrets
import time
from typing import Any

from django.conf import settings
from django.test import Client

from foundation.models import ApiKey
from foundation.rest.signature import sign, text_to_sign
from foundation.services.api_keys import make_key
from members.models import Store, StoreScope
from tests.factories import NOON, make_operator

ALL = [scope for scope, _name in settings.API_SCOPES]


class Caller:
    """Signs and sends; `key` and `secret` may be changed to something that is wrong."""

    def __init__(self, key: ApiKey, secret: str) -> None:
        self.key, self.secret, self.client = key, secret, Client()

    def headers(self, method: str, address: str, body: bytes, **instead: str) -> dict[str, str]:
        """The four headers of a call."""
        facts = {"timestamp": str(int(time.time())), "nonce": secrets.token_hex(16)} | instead
        text = text_to_sign(method=method, address=address, body=body, **facts)
        return {
            "X-Key": self.key.key_id, "X-Timestamp": facts["timestamp"], "X-Nonce": facts["nonce"],
            "X-Signature": sign(self.secret, text),
        }  # fmt: skip

    def call(self, method: str, address: str, data: Any = None, *, headers: dict[str, str] | None = None) -> Any:
        """The answer to one call, with its JSON as `json()`."""
        body = b"" if data is None else json.dumps(data).encode()
        address = f"/api/v1/{address}"
        signed = self.headers(method, address, body) if headers is None else headers
        return self.client.generic(method, address, body, "application/json", headers=signed)

    def get(self, address: str) -> Any:
        """Read."""
        return self.call("GET", address)

    def post(self, address: str, data: Any) -> Any:
        """Write."""
        return self.call("POST", address, data)


def make_caller(*, scopes: list[str] | None = None, stores: tuple[Store, ...] = (), **facts: Any) -> Caller:
    """A system with a new key: every scope unless `scopes` says less, every store unless some are given."""
    options = {
        "networks": [], "calls_per_minute": 600, "expires_at": None, "reaches_every_store": not stores,
    } | facts  # fmt: skip
    key, secret = make_key(
        name=f"K{secrets.token_hex(4)}",
        scopes=ALL if scopes is None else scopes,
        by=make_operator(),
        now=NOON,
        **options,
    )
    StoreScope.objects.bulk_create(StoreScope(operator=key.operator, store=store) for store in stores)
    return Caller(key, secret)
