"""No address answers with a fault, whoever asks and whatever is sent; the doors are closed by default."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from campaigns.services.runs import fire_due
from console import permissions, schedule
from console.permissions import OFFICE_ROLES
from coupons.models import CouponBatch
from foundation.models import Job, Operator
from members.models import ImportFile, Segment, StoreScope
from templates_sms.models import Template
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator, make_store, make_version

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]  # each address for each role

NASTY = "\x00' OR 1=1; --<script>{{7*7}}\ud83d\ude00".encode("utf-8", "ignore").decode()
OPEN_TO_ALL = ("/healthz", "/c/", "/p/", "/l/", "/hooks/", "/till/login/", "/console/login/", "/language/", "/static/")


def routes(patterns: Any, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        part = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, part)
        elif isinstance(pattern, URLPattern):
            yield part


def filled(route: str, number: str) -> str:
    path = re.sub(r"\(\?P<action>([a-z]+)[^)]*\)", r"\1", route)
    path = re.sub(r"\(\?P<\w+>[^)]*\)", number, path)
    path = re.sub(r"<(?:path|str):\w+>", "x", path)
    path = re.sub(r"<uuid:\w+>", "00000000-0000-0000-0000-000000000001", path)
    path = re.sub(r"<\w+:\w+>|<\w+>", number, path)
    return "/" + path.replace("^", "").replace("$", "").replace("\\Z", "").replace("(?:/(?P<pk>", "")


@pytest.fixture
def world() -> Operator:
    """A row of everything, the first of each."""
    permissions.sync()
    schedule.sync()
    author, store = make_operator("author"), make_store()
    make_member(1, home_store=store)
    make_channel(vendor="simulator")
    version = make_version()
    Template.objects.filter(pk=version.template_id).update(state="SUBMITTED")
    campaign = make_campaign()
    make_campaign(name="later", is_approved=False)
    fire_due(now=campaign.scheduled_at)
    job = Job.objects.create(kind="members.import", title="Import", created_at=NOON)
    ImportFile.objects.create(job=job, kind="MEMBERS", name="a.csv", path="/nowhere/a.csv", received_at=NOON)
    return author


def client_of(role: str | None) -> Client:
    client = Client(raise_request_exception=False)
    if role is not None:
        operator = make_operator(f"crawler-{role}", is_staff=role in OFFICE_ROLES)
        operator.groups.add(Group.objects.get(name=role))
        StoreScope.objects.create(operator=operator, store=make_store(f"CRAWL-{role}"))
        client.force_login(operator)
    return client


@pytest.mark.parametrize("role", [None, "marketing", "it", "area_manager", "store_manager"])
def test_no_address_answers_with_a_fault(world: Operator, role: str | None) -> None:
    client = client_of(role)
    faults = []

    for route in sorted(set(routes(get_resolver().url_patterns))):
        for number in ("1", "999999999999"):
            path = filled(route, number)
            if "logout" in path or "language" in path:
                continue
            answers = {
                "GET": client.get(path, {"q": NASTY, "p": "x", "o": "-1.2"}),
                "POST": client.post(path, {"name": NASTY, "reason": NASTY, "phone": NASTY, "text": NASTY}),
                "JSON": client.post(path, data=b'{"a": [1, {"b": null}]}', content_type="application/json"),
            }
            faults += [
                f"{kind} {path} {answer.status_code}" for kind, answer in answers.items() if answer.status_code >= 500
            ]

    assert faults == []


def test_a_stranger_gets_nothing_but_the_public_pages(world: Operator) -> None:
    client = client_of(None)

    opened = [
        path for route in set(routes(get_resolver().url_patterns))
        if client.get(path := filled(route, "1")).status_code == 200 and not path.startswith(OPEN_TO_ALL)
    ]  # fmt: skip

    assert sorted(opened) == ["/console/jsi18n/"] or opened == []


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("marketing", "/console/campaigns/new/", 200),
        ("approver", "/console/campaigns/new/", 403),
        ("approver", "/console/campaigns/", 200),
        ("it", "/console/campaigns/", 403),
        ("it", "/console/imports/", 403),
        ("it", "/console/foundation/operator/", 200),
        ("marketing", "/console/foundation/operator/", 403),
        ("clerk", "/console/waiting/", 403),
        ("clerk", "/till/", 200),
        ("store_manager", "/till/", 200),
        ("marketing", "/till/", 403),
        ("approver", "/console/messages/", 200),
    ],
)
def test_each_role_opens_its_own_pages(world: Operator, role: str, path: str, status: int) -> None:
    assert client_of(role).get(path).status_code == status


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_marketing_decides_nothing(world: Operator, action: str) -> None:
    client = client_of("marketing")
    template = Template.objects.get(state="SUBMITTED")

    answer = client.post(f"/console/templates/{template.pk}/{action}/", {"reason": "x"})

    assert answer.status_code == 403
    assert Template.objects.get(pk=template.pk).state == "SUBMITTED"


@pytest.mark.parametrize("path", ["/console/segments/new/", "/console/batches/new/", "/console/templates/new/"])
def test_a_form_with_bad_input_says_so_and_writes_nothing(world: Operator, path: str) -> None:
    client = client_of("marketing")
    before = (Segment.objects.count(), CouponBatch.objects.count(), Template.objects.count())

    answer = client.post(path, {"name": "x" * 200, "rule": "{", "save": "", "face_fen": "ten", "body": "{oops"})

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert (Segment.objects.count(), CouponBatch.objects.count(), Template.objects.count()) == before


def test_every_page_is_chinese_by_default_and_english_on_request(world: Operator) -> None:
    client = client_of("marketing")

    chinese = client.get("/console/").content.decode()
    english = client.get("/console/", headers={"Accept-Language": "en"}).content.decode()

    assert "等我处理" in chinese
    assert "Waiting for me" in english
