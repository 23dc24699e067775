"""The API is as its description says: schemathesis calls every operation with good and bad input."""

import os
import secrets
import time
from typing import Any

import pytest
import schemathesis
from django import conf
from django.core.cache import cache
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis.checks import CHECKS, load_all_checks

from foundation import clock
from foundation.rest.signature import sign, text_to_sign
from foundation.services import webhooks
from tests.api.signed import Caller, make_caller
from tests.coupons.tills import make_coupon
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_segment,
    make_store,
    make_terms,
    make_version,
)

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.timeout(7_200)]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))


load_all_checks()
# What a description can't say: a text is a phone, a store code or a date by rules of its own.
RULES = CHECKS.get_one("positive_data_acceptance")


class Signed(AuthBase):
    """Signs what is really sent."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        text = text_to_sign(
            method=request.method or "", address=request.path_url, timestamp=timestamp, nonce=nonce, body=body
        )  # fmt: skip
        signature = sign(self.caller.secret, text)
        request.headers.update(
            {"X-Key": self.caller.key.key_id, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}
        )
        return request


def description() -> dict[str, Any]:
    """The API's description, made from the code."""
    return dict(SchemaGenerator(urlconf="console.urls").get_schema(request=None, public=True))


@pytest.fixture
def world(monkeypatch) -> Caller:
    """A key that may do everything, and something of each kind to find."""
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    store = make_store("S1")
    make_channel()
    make_member(1)
    make_segment()
    make_version("您的订单 {answer}", tier="NOTICE")
    make_campaign()
    make_coupon(make_terms())
    return make_caller(stores=(store,), calls_per_minute=1_000_000)


def test_every_operation_answers_as_described(world: Caller, live_server: Any) -> None:
    schema = schemathesis.openapi.from_dict(description())
    schema.config.update(base_url=live_server.url)
    called = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        def fuzz(case: Any) -> None:
            case.call_and_validate(auth=Signed(world), excluded_checks=[RULES])

        fuzz()
        called.add(operation.label)
    assert len(called) == 19


def test_scopes_that_a_key_can_have_are_those_that_operations_ask_for() -> None:
    operations = [one for methods in description()["paths"].values() for one in methods.values()]
    asked = {one["description"].split("Scope: `")[1].split("`")[0] for one in operations}

    assert asked == {scope for scope, _name in conf.settings.API_SCOPES}
    assert webhooks.feeds().keys() == {topic for topic, _name in conf.settings.WEBHOOK_TOPICS}


def test_every_operation_names_its_scope_and_its_errors() -> None:
    paths = description()["paths"]
    operations = [one for methods in paths.values() for one in methods.values()]

    assert all("Scope: `" in one["description"] for one in operations)
    assert all({"400", "401", "403", "409", "429"} <= one["responses"].keys() for one in operations)
    assert all(path.startswith("/api/v1/") for path in paths)
