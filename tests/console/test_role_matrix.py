"""
Every address × every role × a foreign store.

`role_matrix.txt` says who opens what, reading (GET) and writing (POST); after a change that is meant, write it anew
with `ROLE_MATRIX=write make test ARGS=tests/console/test_role_matrix.py WORKERS=0` and read the difference.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from console import permissions
from console.permissions import EVERY_STORE, ROLES
from delivery.models import Channel, Reply, ReplyState
from foundation import clock
from foundation.models import Alert, Job, WebhookCall
from foundation.services.alerts import raise_alert
from foundation.services.webhooks import make_endpoint
from members.models import ImportFile, StoreScope
from members.services import grants
from tests.api.signed import make_caller
from tests.console.test_crawl import client_of, filled, routes
from tests.factories import NOON, make_campaign, make_operator, make_segment, make_terms, uuid_of
from tests.two_stores import Shop, make_run, make_shops

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
MATRIX = Path(__file__).parent / "role_matrix.txt"
LIMITED = [name for name, role in ROLES.items() if EVERY_STORE not in role.permissions]
# One asks for stores that are not one's own yet: their names are no secret.
NAMES_OF_STORES = "/console/rights/"
FOREIGN = re.compile(rb"FOREIGN")


@pytest.fixture(autouse=True)
def roles(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def choices_of(route: str) -> list[str]:
    """A route for each of the words that it allows for an action, a kind or a part."""
    found = re.search(r"\(\?P<\w+>(\w[\w-]*(?:\|[\w-]+)+)\)", route)
    if found is None:
        return [route]
    return [one for word in found[1].split("|") for one in choices_of(route.replace(found[0], word))]


def addresses(number: str) -> list[str]:
    found = {
        filled(one, number).replace("\\.", ".") for route in routes(get_resolver().url_patterns)
        for one in choices_of(route)
    }  # fmt: skip
    return sorted(path for path in found if path.startswith(("/console/", "/till/")) and "logout" not in path)


def one_of_everything() -> dict[str, int]:
    """The row that each place under /console/ is about."""
    by = make_operator("author")
    campaign = make_campaign(name="later", is_approved=False)
    run = make_run()
    endpoint, _secret = make_endpoint(
        name="W", url="https://x.example.cn/", topics=["coupon.redeemed"], by=by, now=NOON
    )
    call = WebhookCall.objects.create(
        endpoint=endpoint, topic="coupon.redeemed", row_id=1, payload={}, not_before=NOON, created_at=NOON
    )
    job = Job.objects.create(kind="members.import", title="Import", created_at=NOON)
    imported = ImportFile.objects.create(job=job, kind="MEMBERS", name="a.csv", path="/nowhere/a.csv", received_at=NOON)
    reply = Reply.objects.create(
        channel_id=1, vendor_id="1", phone_hash=uuid_of("1"), phone_tail="0001", text="在吗", state=ReplyState.INBOX,
        received_at=NOON,
    )  # fmt: skip
    raise_alert(code="BALANCE_LOW", subject="delivery.channel:1", now=NOON, channel="甲", balance=1)
    grant = grants.ask(role="analyst", store_ids=[], until=NOON + timedelta(days=1), reason="x", by=by, now=NOON)
    return {
        "alerts": Alert.objects.get().pk, "api-keys": make_caller().key.pk, "batches": make_terms().batch_id,
        "calls": call.pk, "campaigns": campaign.pk, "channels": Channel.objects.get().pk, "imports": imported.pk,
        "operators": by.pk, "replies": reply.pk, "rights": grant.pk, "runs": run.pk, "segments": make_segment().pk,
        "templates": campaign.template_version.template_id, "webhooks": endpoint.pk,
    }  # fmt: skip


def is_open(client: Client, method: str, path: str) -> bool:
    """Whether an address lets somebody in; what it does is undone."""
    point = transaction.savepoint()
    answer = client.generic(method, path)
    transaction.savepoint_rollback(point)
    assert answer.status_code < 500, path
    leads_to = answer.get("Location", "")
    is_door = any(door in leads_to for door in ("/login/", "/console/stores/", "/till/store/"))
    return answer.status_code not in (401, 403, 405) and not (answer.status_code == 302 and is_door)


def who_opens() -> str:
    rows, clients = one_of_everything(), {role: client_of(role) for role in ROLES}
    lines = []
    for path in addresses("1"):
        about = re.search(r"/([a-z-]+)/1/", path)
        real = path if about is None or about[1] not in rows else path.replace("/1/", f"/{rows[about[1]]}/")
        may = {
            method: " ".join(role for role, client in clients.items() if is_open(client, method, real))
            for method in ("GET", "POST")
        }
        lines += [f"{path}\n    GET  {may['GET'] or '-'}\n    POST {may['POST'] or '-'}"]
    return "\n".join(lines) + "\n"


def test_each_role_opens_what_the_matrix_says():
    found = who_opens()
    if os.environ.get("ROLE_MATRIX") == "write":
        MATRIX.write_text(found, encoding="utf-8")

    assert found == MATRIX.read_text(encoding="utf-8")


def numbers_of(shop: Shop) -> set[str]:
    """Everything that an address may name of a shop's rows."""
    attempts = shop.store.pk  # a store's number, as filters take it
    rows = (shop.member, shop.redemption, shop.order, shop.clerk)
    return {str(attempts), shop.redemption.redemption_no, *(str(row.pk) for row in rows)}


@pytest.mark.parametrize("role", LIMITED)
def test_nothing_of_a_foreign_store_shows_to_who_works_for_some(role: str):
    own, foreign, run = make_shops()
    client = client_of(role)
    StoreScope.objects.filter(operator__username=f"crawler-{role}").update(store=own.store)
    seen, leaks = b"", []

    paths = {path for number in (*numbers_of(foreign), str(run.pk)) for path in addresses(number)}
    for path in sorted(paths):
        asked = ("", f"?store__id__exact={foreign.store.pk}", f"?q={foreign.redemption.redemption_no}")
        for query in asked[: 1 if re.search(r"\d", path) else 3]:
            answer = client.get(path + query)
            told = b"".join(answer.streaming_content) if answer.streaming else answer.content
            seen += told
            if FOREIGN.search(told) and path != NAMES_OF_STORES:
                leaks.append(path + query)

    assert leaks == []
    assert b"OWN" in seen


def test_who_sees_every_store_sees_the_foreign_one():
    """The control: the same addresses do show these names."""
    _own, foreign, run = make_shops()
    client = client_of("auditor")

    shown = [path for path in addresses(str(run.pk)) if FOREIGN.search(client.get(path).getvalue())]

    assert {"/console/stores/", "/console/coupons/redemption/", "/console/members/member/"} <= set(shown)
    assert f"/console/runs/{run.pk}/report/" in shown
    assert FOREIGN.search(client.get(f"/console/coupons/redemption/{foreign.redemption.pk}/change/").content)
