"""The pages of API keys: made and changed by IT only, the secret shown once and kept by no browser."""

import pytest
from django.test import Client

from console import permissions
from foundation import clock
from foundation.models import ApiKey
from foundation.services.api_keys import live_secrets
from members.models import StoreScope
from tests.api.signed import Caller, make_caller
from tests.console.test_watch import client_of
from tests.factories import NOON, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roles(monkeypatch):
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def asked(**facts) -> dict:
    return {"name": "收银系统", "scopes": ["coupons:redeem", "members:read"], "calls_per_minute": "60", "stores": [],
            "reaches_every_store": "on", "networks": "203.0.113.7\n10.0.0.0/8"} | facts  # fmt: skip


@pytest.fixture
def it() -> Client:
    return client_of("it")


def test_a_key_is_made_and_its_secret_shown_once(it):
    store = make_store("S1")
    answer = it.post("/console/api-keys/new/", asked(stores=[store.pk], reaches_every_store=""))

    key = ApiKey.objects.get()
    (secret,) = live_secrets(key=key, now=NOON)
    assert secret in answer.content.decode() and answer["Cache-Control"] == "no-store"
    assert (key.scopes, key.networks) == (["coupons:redeem", "members:read"], ["203.0.113.7/32", "10.0.0.0/8"])
    assert StoreScope.objects.get().operator_id == key.operator_id
    later = it.get(f"/console/api-keys/{key.pk}/").content.decode()
    assert secret not in later and key.key_id in later and "收银系统" in it.get("/console/api-keys/").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": ["all"]}, {"scopes": []}, {"networks": "10.0.0.1/8"}, {"networks": "x"}, {"calls_per_minute": "0"},
     {"name": ""}, {"stores": ["999"], "reaches_every_store": ""}, {"reaches_every_store": ""}],
)  # fmt: skip
def test_a_wrong_form_makes_nothing(it, wrong):
    assert it.post("/console/api-keys/new/", asked(**wrong)).status_code == 200
    assert not ApiKey.objects.exists()


def test_a_name_is_used_once(it):
    it.post("/console/api-keys/new/", asked())
    answer = it.post("/console/api-keys/new/", asked())
    assert "已有同名" in answer.content.decode() and ApiKey.objects.count() == 1


def test_a_key_is_rotated_switched_off_and_on(it):
    caller = make_caller()
    address = f"/console/api-keys/{caller.key.pk}"
    shown = it.post(f"{address}/rotate/").content.decode()
    newest = live_secrets(key=ApiKey.objects.get(), now=NOON)
    assert sum(secret in shown for secret in newest) == 1

    it.post(f"{address}/end-old/")
    assert caller.get("segments").status_code == 401
    newer = Caller(caller.key, next(secret for secret in newest if secret in shown))
    assert newer.get("segments").status_code == 200
    it.post(f"{address}/off/")
    assert newer.get("segments").status_code == 401
    it.post(f"{address}/on/")
    assert newer.get("segments").status_code == 200


@pytest.mark.parametrize("role", ["marketing", "approver", "clerk", "store_manager"])
def test_nobody_but_it_sees_or_changes_keys(role):
    key, browser = make_caller().key, client_of(role)
    for path in ("", "new/", f"{key.pk}/"):
        assert browser.get(f"/console/api-keys/{path}").status_code == 403
    for action in ("rotate", "end-old", "on", "off"):
        assert browser.post(f"/console/api-keys/{key.pk}/{action}/").status_code == 403
    assert browser.post("/console/api-keys/new/", asked()).status_code == 403
    assert ApiKey.objects.count() == 1 and key.secrets.count() == 1


def test_the_description_is_for_staff_and_asks_no_other_host(it):
    page = it.get("/console/api/")
    assert page.status_code == 200 and "https://" not in page.content.decode().replace("https://www.w3.org", "")
    assert "coupons/redeem" in it.get("/console/api/schema").content.decode()
    assert Client().get("/console/api/").status_code in (302, 403)
    assert client_of("clerk").get("/console/api/schema").status_code == 403
