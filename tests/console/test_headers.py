"""What answers carry: the strict policy outside the office, the office's own word by word, HTTPS, cookies."""

import os
import re
import subprocess
import sys

import pytest
from django.test import Client
from django.urls import reverse

from console.middleware import POLICY
from foundation.page_policy import POLICY as OUTSIDE
from foundation.page_policy import POWERS, SCRIPTS_AND_WASM, STRICT
from members.models import StoreScope
from tests.factories import make_operator, make_store
from tests.repository.sources import ROOT

pytestmark = pytest.mark.django_db

PAGE = (ROOT / "docs" / "reference" / "headers.md").read_text(encoding="utf-8")
OUTSIDE_PATHS = ["/", "/healthz", "/nowhere", "/till/login/", "/till/history/", "/till/api/history", "/c/AAAAAAAAAAA",
                 "/c/x/large", "/p/AAAAAAAAAAA", "/l/AAAAAAAAAAA", "/hooks/x/receipts/"]  # fmt: skip
OFFICE_PATHS = ["/console/", "/console/login/", "/console/campaigns/", "/console/nowhere/", "/console/jsi18n/"]
HTTPS = {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 31_536_000, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True}


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(make_operator(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("path", OUTSIDE_PATHS)
def test_outside_the_office_nothing_inline_is_run_and_nothing_is_kept(client: Client, path: str):
    answer = client.get(path)

    assert answer["Content-Security-Policy"] == STRICT and "unsafe" not in STRICT
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", OFFICE_PATHS)
def test_the_offices_policy_word_by_word(office: Client, path: str):
    answer = office.get(path)

    assert answer["Content-Security-Policy"] == (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", [*OUTSIDE_PATHS, *OFFICE_PATHS])
def test_no_page_may_use_a_power_of_the_device_but_to_keep_a_coupon_lit(client: Client, path: str):
    given = client.get(path)["Permissions-Policy"].replace("screen-wake-lock=(self)", "screen-wake-lock=()")

    assert given.split(", ") == [f"{power}=()" for power in POWERS]


def test_only_the_tills_pages_with_a_camera_may_use_it():
    clerk = make_operator(is_superuser=True)
    StoreScope.objects.create(operator=clerk, store=make_store())
    till = Client()
    till.force_login(clerk)

    with_camera, without = till.get("/till/"), till.get("/till/history/")

    assert (
        "camera=(self), " in with_camera["Permissions-Policy"] and "microphone=()" in with_camera["Permissions-Policy"]
    )
    assert "camera=(), " in without["Permissions-Policy"]


def test_only_members_pages_and_the_camera_keep_the_screen_on(client: Client):
    lit = [path for path in OUTSIDE_PATHS + OFFICE_PATHS if "lock=(self)" in client.get(path)["Permissions-Policy"]]

    assert lit == ["/c/AAAAAAAAAAA", "/c/x/large"]


@pytest.mark.parametrize("path", [*OUTSIDE_PATHS, *OFFICE_PATHS])
def test_the_small_headers(client: Client, path: str):
    answer = client.get(path)

    names = ("X-Content-Type-Options", "X-Frame-Options", "Cross-Origin-Opener-Policy")
    assert [answer[name] for name in names] == ["nosniff", "DENY", "same-origin"]
    expected = "no-referrer" if re.match("/[cpl]/", path) else "same-origin"
    assert answer["Referrer-Policy"] == expected


def test_pages_outside_the_office_hold_nothing_that_their_policy_forbids(client: Client):
    for path in ("/nowhere", "/till/login/", "/c/AAAAAAAAAAA", "/p/AAAAAAAAAAA", "/l/AAAAAAAAAAA"):
        text = client.get(path).content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), path


def test_plain_requests_are_sent_to_https_but_for_probes_and_receipts(client: Client, settings):
    for name, value in HTTPS.items():
        setattr(settings, name, value)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    fresh = Client()  # middleware reads its settings when it is made

    sent = fresh.get("/till/login/")
    assert (sent.status_code, sent["Location"]) == (301, "https://testserver/till/login/")
    assert fresh.get("/healthz").status_code == 200
    assert fresh.post("/hooks/x/receipts/").status_code != 301
    by_https = fresh.get("/till/login/", headers={"X-Forwarded-Proto": "https"})
    assert by_https.status_code == 200
    assert by_https["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_no_script_reads_a_cookie(client: Client):
    page = client.get("/till/login/")
    language = client.post(reverse("set_language"), {"language": "en", "next": "/till/login/"})

    for cookie in (page.cookies["csrftoken"], language.cookies["language"]):
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def deployed(**changed: str) -> subprocess.CompletedProcess[str]:
    production = {
        "DATABASE_URL": "postgresql://unused@127.0.0.1:1/unused", "SECRET_KEY": "k" * 20 + "0123456789" * 4,
        "PHONE_KEYS": f"k1:{'A' * 43}=", "PHONE_INDEX_KEY": f"{'A' * 43}=", "CACHE_URL": "redis://127.0.0.1:1/1",
        "BROKER_URL": "redis://127.0.0.1:1/0", "ALLOWED_HOSTS": "sms.example.cn", "SECURE_COOKIES": "1",
        "PROXY_COUNT": "1", "DEBUG": "0", "DEMO": "0",
    }  # fmt: skip
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    environment = kept | production | changed
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_check_of_a_deployment_is_clean_with_production_settings():
    done = deployed()

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_of_a_deployment_would_tell():
    assert "security.W012" in deployed(SECURE_COOKIES="0").stderr


def test_the_page_about_headers_is_word_by_word_what_is_sent():
    blocks = re.findall(r"```\n(.*?)\n```", PAGE, re.DOTALL)

    assert blocks == [STRICT, OUTSIDE.format(scripts=SCRIPTS_AND_WASM), POLICY]
