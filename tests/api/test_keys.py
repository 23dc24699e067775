"""Who may call: signature, clock, nonce, network, scope, pace, rotation; and what the audit keeps of refused calls."""

import json
import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from redis.exceptions import RedisError

from foundation import clock
from foundation.models import ApiKey, ApiNonce, ApiSecret, AuditEntry, Operator
from foundation.rest.signature import text_to_sign
from foundation.services import api_keys
from tests.api.signed import Caller, make_caller
from tests.factories import NOON, make_operator

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ADDRESS = "/api/v1/segments"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def refusal(answer) -> tuple[int, str]:
    body = answer.json()
    assert set(body) >= {"code", "detail", "retryable"}
    return answer.status_code, body["code"]


def test_a_signed_call_is_answered_and_remembered():
    caller = make_caller()
    answer = caller.get("segments")

    assert (answer.status_code, answer.json()["results"]) == (200, [])
    key = ApiKey.objects.get()
    assert (key.last_used_at, key.last_used_from) == (NOON, "127.0.0.1")
    assert not key.operator.is_staff and not key.operator.has_usable_password()


def test_without_a_key_every_door_is_closed():
    for method, path in (
        ("GET", "segments"),
        ("POST", "members"),
        ("DELETE", "suppressions/1"),
        ("GET", "runs/1/report"),
    ):
        answer = Client().generic(method, f"/api/v1/{path}")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'HMAC-SHA256 realm="api"')


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda headers: headers | {"X-Signature": headers["X-Signature"][:-1] + "x"}, "BAD_SIGNATURE"),
        (lambda headers: headers | {"X-Signature": ""}, "BAD_SIGNATURE"),
        (lambda headers: headers | {"X-Key": "ak_nobody"}, "BAD_SIGNATURE"),
        (lambda headers: headers | {"X-Nonce": "short"}, "BAD_NONCE"),
        (lambda headers: headers | {"X-Nonce": "a" * 65}, "BAD_NONCE"),
        (lambda headers: headers | {"X-Timestamp": "١٢٣"}, "BAD_TIMESTAMP"),
        (lambda headers: headers | {"X-Timestamp": ""}, "BAD_TIMESTAMP"),
    ],
)
def test_a_call_that_was_tampered_with_is_refused(spoil, code):
    caller = make_caller()
    headers = spoil(caller.headers("GET", ADDRESS, b""))

    assert refusal(caller.call("GET", "segments", headers=headers)) == (401, code)


@pytest.mark.parametrize(("seconds", "status"), [(-290, 200), (290, 200), (-310, 401), (310, 401)])
def test_a_clock_may_be_five_minutes_off(seconds, status):
    caller = make_caller()
    headers = caller.headers("GET", ADDRESS, b"", timestamp=str(int(time.time()) + seconds))

    assert caller.call("GET", "segments", headers=headers).status_code == status


def test_method_address_query_and_body_are_signed():
    caller = make_caller()
    body = json.dumps({"phone": "13800138000"}).encode()
    for method, address, signed_body in (
        ("PUT", "/api/v1/suppressions", body), ("POST", "/api/v1/suppressions?x=1", body),
        ("POST", "/api/v1/orders", body), ("POST", "/api/v1/suppressions", body + b" "),
    ):  # fmt: skip
        headers = caller.headers(method, address, signed_body)
        answer = caller.client.generic("POST", "/api/v1/suppressions", body, "application/json", headers=headers)
        assert refusal(answer) == (401, "BAD_SIGNATURE")


def test_no_two_calls_sign_the_same_text():
    facts = {"method": "GET", "address": "/a", "timestamp": "1", "nonce": "n" * 16, "body": b""}
    others = {"method": "POST", "address": "/b", "timestamp": "2", "nonce": "m" * 16, "body": b"x"}
    texts = {text_to_sign(**facts), *(text_to_sign(**{**facts, name: value}) for name, value in others.items())}
    assert len(texts) == 6


def test_a_recorded_call_is_worth_nothing():
    caller = make_caller()
    headers = caller.headers("GET", ADDRESS, b"")

    assert caller.call("GET", "segments", headers=headers).status_code == 200
    assert refusal(caller.call("GET", "segments", headers=headers)) == (401, "REPLAYED")


def test_nonces_are_forgotten_when_nobody_would_believe_them():
    caller = make_caller()
    caller.get("segments")

    assert api_keys.clear_nonces(now=NOON + timedelta(minutes=14)) == 0
    assert api_keys.clear_nonces(now=NOON + timedelta(minutes=16)) == 1
    assert not ApiNonce.objects.exists()


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [(["10.0.0.0/8"], "10.1.2.3", 200), (["10.0.0.0/8"], "11.1.2.3", 401), (["2001:db8::/32"], "10.1.2.3", 401),
     (["192.0.2.7/32", "10.0.0.0/8"], "192.0.2.7", 200)],
)  # fmt: skip
def test_a_key_calls_from_its_networks_only(networks, address, status):
    caller = make_caller(networks=networks)
    headers = caller.headers("GET", ADDRESS, b"")

    answer = caller.client.get(ADDRESS, headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == status


def test_a_scope_that_is_missing_is_named():
    caller = make_caller(scopes=["members:read"])

    answer = caller.get("segments")
    assert refusal(answer) == (403, "SCOPE")
    assert "segments:read" in answer.json()["detail"]


def test_a_method_that_no_scope_names_is_closed():
    assert refusal(make_caller().call("PUT", "segments", {})) == (405, "METHOD_NOT_ALLOWED")
    assert make_caller().call("OPTIONS", "segments").status_code == 405


def test_nobody_is_faster_than_their_key_allows(monkeypatch):
    caller = make_caller(calls_per_minute=3)
    monkeypatch.setattr("foundation.rest.auth.time.time", lambda: 1_800_000_000.0)
    stamp = {"timestamp": "1800000000"}

    codes = [caller.call("GET", "segments", headers=caller.headers("GET", ADDRESS, b"", **stamp)) for _ in range(4)]
    assert [one.status_code for one in codes] == [200, 200, 200, 429]
    assert codes[-1].json()["retryable"] is True and int(codes[-1]["Retry-After"]) > 0


def test_while_the_cache_is_away_nobody_is_held_up(monkeypatch):
    def away(*_args, **_more):
        raise RedisError

    caller = make_caller(calls_per_minute=1)
    for name in ("add", "incr"):
        monkeypatch.setattr(cache, name, away)
    assert [caller.get("segments").status_code for _ in range(2)] == [200, 200]
    assert caller.call("GET", "segments", headers={"X-Key": "ak_nobody"}).status_code == 401


def test_two_secrets_live_while_a_key_rotates():
    caller = make_caller()
    by = make_operator()
    newer = Caller(caller.key, api_keys.rotate(key_id=caller.key.pk, by=by, now=NOON))
    assert [caller.get("segments").status_code, newer.get("segments").status_code] == [200, 200]

    api_keys.end_old_secret(key_id=caller.key.pk, by=by, now=NOON)
    assert [caller.get("segments").status_code, newer.get("segments").status_code] == [401, 200]
    with pytest.raises(api_keys.HasMoved):
        api_keys.end_old_secret(key_id=caller.key.pk, by=by, now=NOON)


def test_the_old_secret_ends_by_itself_and_a_third_ends_the_first(monkeypatch):
    first, by = make_caller(), make_operator()
    second = Caller(first.key, api_keys.rotate(key_id=first.key.pk, by=by, now=NOON))
    third = Caller(first.key, api_keys.rotate(key_id=first.key.pk, by=by, now=NOON))
    assert [one.get("segments").status_code for one in (first, second, third)] == [401, 200, 200]

    monkeypatch.setattr(clock, "now", lambda: NOON + api_keys.ROTATION)
    assert [one.get("segments").status_code for one in (second, third)] == [401, 200]


@pytest.mark.parametrize("end", ["switched off", "ended", "operator deactivated"])
def test_a_key_that_ended_is_like_no_key(end):
    caller = make_caller()
    if end == "switched off":
        api_keys.switch(key_id=caller.key.pk, is_active=False, by=make_operator(), now=NOON)
    elif end == "ended":
        ApiKey.objects.update(expires_at=NOON)
    else:
        Operator.objects.filter(pk=caller.key.operator_id).update(is_active=False)

    ended = caller.get("segments")
    unknown = caller.call("GET", "segments", headers=caller.headers("GET", ADDRESS, b"") | {"X-Key": "ak_nobody"})
    assert refusal(ended) == (401, "BAD_SIGNATURE")
    assert ended.content == unknown.content


def test_secrets_are_sealed_and_stand_nowhere_else():
    caller = make_caller()
    sealed = bytes(ApiSecret.objects.get().cipher)

    assert caller.secret.encode() not in sealed
    assert api_keys.live_secrets(key=caller.key, now=NOON) == [caller.secret]
    assert not any(caller.secret in json.dumps(one.detail) for one in AuditEntry.objects.all())


def test_a_refused_call_leaves_no_card_number_in_the_audit():
    make_caller(scopes=[]).get("members/K1001")

    assert AuditEntry.objects.get(action="api.denied").detail["path"] == "/api/v1/members/<str:card_no>"


def test_refused_calls_are_in_the_audit_once_a_minute():
    caller = make_caller()
    headers = caller.headers("GET", ADDRESS, b"") | {"X-Signature": "0"}
    for _ in range(5):
        caller.call("GET", "segments", headers=headers)

    denied = AuditEntry.objects.filter(action="api.denied")
    assert [(one.subject, one.detail["code"], one.detail["path"]) for one in denied] == [
        (caller.key.subject, "BAD_SIGNATURE", ADDRESS)
    ]
    cache.clear()
    caller.call("GET", "segments", headers=headers)
    assert denied.all().count() == 2
