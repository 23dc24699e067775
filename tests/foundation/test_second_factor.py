"""The second factor, with real requests: closed by default, tying, codes, recovery, lost phones."""

import re
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken

from console import permissions
from console.permissions import OFFICE_ROLES, ROLES
from foundation.models import AuditEntry, Authenticator, Operator, Session
from foundation.services import second_factor
from members.models import StoreScope
from tests.console.test_crawl import filled, routes
from tests.factories import make_operator, make_store

pytestmark = pytest.mark.django_db

PASSWORD = "fresh-greens-88"
CODE, ENROL = "/console/login/code/", "/console/second-factor/"


@pytest.fixture(autouse=True)
def required(settings) -> None:
    settings.SECOND_FACTOR = True
    permissions.sync()


def make_person(role: str = "marketing", username: str = "lina") -> Operator:
    operator = make_operator(username, is_staff=role in OFFICE_ROLES)
    operator.groups.add(Group.objects.get(name=role))
    operator.set_password(PASSWORD)
    operator.save()
    StoreScope.objects.create(operator=operator, store=make_store(f"S{operator.pk}"))
    return operator


def knock(operator: Operator, door: str = "/console/login/") -> Client:
    client = Client()
    answer = client.post(door, {"username": operator.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


def code_of(device: Authenticator, *, steps: int = 0) -> str:
    """What the phone shows now, or some half minutes later; not in the last moment before it changes."""
    if time.time() % 30 > 28:
        time.sleep(2.1)
    return f"{totp(device.bin_key, t0=-30 * steps):06d}"


def tie(operator: Operator) -> tuple[Client, list[str]]:
    """A login that ties a phone; with the codes on paper."""
    client = knock(operator)
    client.get(ENROL)
    page = client.post(ENROL, {"code": code_of(Authenticator.objects.get(user=operator, confirmed=False))})
    assert page.status_code == 200
    # The next code must be another one than this: the phone is half a minute younger.
    Authenticator.objects.filter(user=operator).update(last_t=-1)
    return client, re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4})</li>", page.content.decode())


def phone(operator: Operator) -> Authenticator:
    return Authenticator.objects.get(user=operator, confirmed=True)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


# Closed by default --------------------------------------------------------------------------------

OPEN = re.compile(r"/(c|p|l|hooks)/|/healthz|/language/|/console/logout/|/till/logout/")


@pytest.mark.parametrize("role", ["marketing", "area_manager"])  # who sees every store, and who sees some
@pytest.mark.parametrize("step", [ENROL, CODE])
def test_without_the_second_step_no_address_of_the_office_or_the_till_opens(role, step):
    operator = make_person(role)
    if step == CODE:
        tie(operator)
    client = knock(operator)
    paths = {filled(route, "1") for route in routes(get_resolver().url_patterns)}
    assert len(paths) > 150

    opened = []
    for path in sorted(path for path in paths if not OPEN.match(path) and path != step):
        for answer in (client.get(path), client.post(path), client.get(path, headers={"HX-Request": "true"})):
            to = answer.get("Location") or answer.get("HX-Redirect") or ""
            is_shut = to.split("?")[0] == step or answer.status_code == 401
            opened += [] if is_shut else [f"{path} {answer.status_code} {to}"]
    assert opened == []


@pytest.mark.parametrize("role", sorted(set(ROLES) - OFFICE_ROLES))
def test_clerks_and_managers_work_with_a_password(role):
    client = knock(make_person(role), "/till/login/")

    assert client.get("/till/").status_code == 200


def test_a_login_that_no_door_began_is_asked_too():
    operator = make_person()
    client = Client()
    client.force_login(operator)
    assert client.get("/console/")["Location"].startswith(ENROL)

    tie(operator)

    assert client.get("/console/")["Location"].startswith(CODE)


def test_switched_off_nothing_is_asked(settings):
    settings.SECOND_FACTOR = False
    operator = make_person()

    client = knock(operator)

    assert client.get("/console/").status_code == 200
    assert "只要求密码" in client.get(ENROL).content.decode()


def test_public_pages_do_not_ask():
    client = knock(make_person())

    assert [client.get(path).status_code for path in ("/c/AAAAAAAAAAA", "/p/AAAAAAAAAAA", "/healthz")] == [
        404,
        404,
        200,
    ]


# Tying --------------------------------------------------------------------------------------------


def test_tying_shows_the_secret_and_then_ten_codes_once():
    operator = make_person()
    client = knock(operator)
    page = client.get(ENROL).content.decode()
    waiting = Authenticator.objects.get()
    assert "<svg" in page and re.search(r'id="secret" translate="no">([A-Z2-7]{4} ){7}[A-Z2-7]{4}<', page)
    assert client.get(ENROL).content.decode().count("secret") and Authenticator.objects.count() == 1

    wrong = client.post(ENROL, {"code": "000000"})
    assert wrong.status_code == 400 and "验证码不对" in wrong.content.decode()
    assert client.get("/console/").status_code == 302
    second_factor.forgive(operator=operator)
    page = client.post(ENROL, {"code": code_of(waiting)})

    codes = re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4})</li>", page.content.decode())
    assert len(set(codes)) == 10
    assert client.get("/console/").status_code == 200
    assert actions() == ["operator.second_factor_tied"]
    assert not any(code in client.get(ENROL).content.decode() for code in codes)


def test_neither_secret_nor_codes_stand_in_the_database():
    operator = make_person()
    _client, codes = tie(operator)

    device = phone(operator)
    assert device.bin_key.hex() not in device.key and bytes.fromhex(device.key) != device.bin_key
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 10 and not kept & {code.replace("-", "") for code in codes}


def test_a_secret_that_was_seen_in_another_login_is_not_tied():
    operator = make_person()
    thief, owner = knock(operator), knock(operator)
    thief.get(ENROL)
    seen = Authenticator.objects.get()
    owner.get(ENROL)
    own = Authenticator.objects.exclude(pk=seen.pk).get()

    owner.post(ENROL, {"code": code_of(own)})

    assert list(Authenticator.objects.values_list("pk", "confirmed")) == [(own.pk, True)]
    assert thief.post(ENROL, {"code": code_of(seen)})["Location"].startswith(CODE)


def test_with_a_password_alone_no_other_phone_can_be_tied():
    operator = make_person()
    tie(operator)
    client = knock(operator)

    assert client.get(f"{ENROL}?another")["Location"].startswith(CODE)
    assert client.post(ENROL, {"code": "123456"})["Location"].startswith(CODE)
    assert client.post("/console/second-factor/codes/")["Location"].startswith(CODE)


def test_another_phone_takes_the_place_of_the_first():
    operator = make_person()
    client, old_codes = tie(operator)
    first = phone(operator)
    client.get(f"{ENROL}?another")
    assert phone(operator) == first

    client.post(f"{ENROL}?another", {"code": code_of(Authenticator.objects.get(confirmed=False))})

    assert phone(operator).pk != first.pk and Authenticator.objects.count() == 1
    assert knock(operator).post(CODE, {"code": old_codes[0]}).status_code == 400


# The code -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dressed", ["{}", " {} ", "{:.3}-{}", "{:.3} {}"])
def test_the_code_opens_and_leads_on(dressed):
    operator = make_person()
    tie(operator)
    client = knock(operator)
    asked = client.get("/console/segments/?q=1")
    code = code_of(phone(operator))
    typed = dressed.format(code) if dressed.count("{") == 1 else dressed.format(code, code[3:])
    before = client.session.session_key

    answer = client.post(asked["Location"], {"code": typed, "next": "/console/segments/?q=1"})

    assert answer["Location"] == "/console/segments/?q=1"
    assert client.get("/console/segments/").status_code == 200
    assert client.session.session_key != before


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"])
def test_it_leads_nowhere_else(wanted):
    operator = make_person()
    tie(operator)

    answer = knock(operator).post(CODE, {"code": code_of(phone(operator)), "next": wanted})

    assert answer["Location"] == "/console/"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٣٤٥٦٧٨", "' OR 1=1", "x" * 5_000, "\x00"])
def test_what_is_no_code_is_refused(code):
    operator = make_person()
    tie(operator)
    client = knock(operator)

    assert client.post(CODE, {"code": code}).status_code == 400
    assert client.get("/console/").status_code == 302


def test_a_code_passes_once():
    operator = make_person()
    tie(operator)
    code = code_of(phone(operator))
    assert knock(operator).post(CODE, {"code": code}).status_code == 302

    again = knock(operator).post(CODE, {"code": code})

    assert again.status_code == 400 and "已用过" in again.content.decode()


@pytest.mark.parametrize(("steps", "status"), [(-2, 400), (-1, 302), (1, 302), (2, 400)])
def test_a_phone_may_be_half_a_minute_off(steps, status):
    operator = make_person()
    tie(operator)
    Authenticator.objects.update(drift=0)

    assert knock(operator).post(CODE, {"code": code_of(phone(operator), steps=steps)}).status_code == status


def test_wrong_codes_make_everybody_wait_longer_each_time():
    operator = make_person()
    tie(operator)
    client = knock(operator)
    assert client.post(CODE, {"code": "000000"}).status_code == 400

    answer = client.post(CODE, {"code": code_of(phone(operator))})

    assert answer.status_code == 400 and re.search(r"请等 \d+ 秒", answer.content.decode())
    assert phone(operator).throttling_failure_count == 1  # not even looked at
    device = phone(operator)
    Authenticator.objects.update(
        throttling_failure_timestamp=device.throttling_failure_timestamp - timedelta(seconds=2)
    )
    assert client.post(CODE, {"code": "000001"}).status_code == 400
    assert phone(operator).throttling_failure_count == 2


def test_a_password_alone_ends_nobodys_work(settings):
    settings.OFFICE_SESSIONS = 1
    operator = make_person()
    inside, _codes = tie(operator)

    stranger = knock(operator)
    assert inside.get("/console/").status_code == 200

    stranger.post(CODE, {"code": code_of(phone(operator))})
    assert (inside.get("/console/").status_code, stranger.get("/console/").status_code) == (302, 200)
    assert Session.objects.filter(operator=operator).count() == 1


def test_the_till_asks_whoever_has_a_phone():
    operator = make_person()
    tie(operator)
    Operator.objects.filter(pk=operator.pk).update(is_staff=False)
    operator.groups.set([Group.objects.get(name="clerk")])
    client = knock(operator, "/till/login/")

    assert client.get("/till/")["Location"].startswith("/till/code/")
    api = client.post("/till/api/preview", {}, content_type="application/json")
    assert (api.status_code, api.json()["code"]) == (401, "NOT_AUTHENTICATED")
    assert client.post("/till/code/", {"code": "000000"}).status_code == 400
    second_factor.forgive(operator=operator)
    assert client.post("/till/code/", {"code": code_of(phone(operator))})["Location"] == "/till/"
    assert client.get("/till/").status_code == 200


def test_a_one_time_password_comes_before_tying():
    operator = make_person()
    Operator.objects.filter(pk=operator.pk).update(one_time_until="2099-01-01T00:00Z")
    client = knock(operator)

    facts = {"old_password": PASSWORD, "new_password1": "my-own-word-77", "new_password2": "my-own-word-77"}
    assert client.get("/console/")["Location"].startswith("/console/password_change/")
    client.post("/console/password_change/", facts)

    assert client.get("/console/")["Location"].startswith(ENROL)


# Recovery and lost phones -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dress", [str, str.upper, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")]
)
def test_a_recovery_code_opens_once(dress):
    operator = make_person()
    _client, codes = tie(operator)

    client = knock(operator)
    assert client.post(CODE, {"code": dress(codes[3])}).status_code == 302
    assert client.get("/console/").status_code == 200
    assert knock(operator).post(CODE, {"code": codes[3]}).status_code == 400
    assert AuditEntry.objects.get(action="operator.recovery_code_used").detail == {"left": 9}


def test_the_last_codes_are_announced():
    operator = make_person()
    _client, codes = tie(operator)
    StaticToken.objects.filter(pk__in=StaticToken.objects.order_by("-pk").values("pk")[:6]).delete()

    client = knock(operator)
    client.post(CODE, {"code": codes[0]})

    assert "还剩 3 个备用码" in client.get("/console/").content.decode()


def test_somebody_elses_recovery_code_opens_nothing():
    operator, other = make_person(), make_person("approver", "zhou")
    _client, _codes = tie(operator)
    _other, codes = tie(other)

    assert knock(operator).post(CODE, {"code": codes[0]}).status_code == 400


def test_new_codes_make_the_old_paper_worthless():
    operator = make_person()
    client, old = tie(operator)

    page = client.post("/console/second-factor/codes/").content.decode()

    fresh = re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4})</li>", page)
    assert len(fresh) == 10 and not set(fresh) & set(old)
    assert knock(operator).post(CODE, {"code": old[0]}).status_code == 400
    second_factor.forgive(operator=operator)
    assert knock(operator).post(CODE, {"code": fresh[0]}).status_code == 302


def test_it_unties_a_lost_phone_and_the_login_behind_it_ends():
    operator, it = make_person(), make_person("it", "zhao")
    client, codes = tie(operator)
    helper, _codes = tie(it)

    page = helper.post(f"/console/operators/{operator.pk}/access/second-factor/", follow=True).content.decode()

    assert "已解除手机绑定" in page
    assert client.get("/console/")["Location"].startswith("/console/login/")
    assert knock(operator).get("/console/")["Location"].startswith(ENROL)
    assert not StaticToken.objects.filter(device__user=operator).exists() and codes
    entry = AuditEntry.objects.get(action="operator.second_factor_reset")
    assert (entry.actor, entry.subject) == (it, f"foundation.operator:{operator.pk}")


def test_nobody_unties_their_own_phone():
    it = make_person("it", "zhao")
    helper, _codes = tie(it)

    helper.post(f"/console/operators/{it.pk}/access/second-factor/")

    assert phone(it) and "operator.second_factor_reset" not in actions()


def test_unlocking_forgives_wrong_codes_too():
    operator, it = make_person(), make_person("it", "zhao")
    tie(operator)
    helper, _codes = tie(it)
    client = knock(operator)
    client.post(CODE, {"code": "000000"})
    Authenticator.objects.filter(user=operator).update(throttling_failure_count=20)

    helper.post(f"/console/operators/{operator.pk}/access/unlock/")

    assert client.post(CODE, {"code": code_of(phone(operator))}).status_code == 302


def test_the_host_lets_in_when_nobody_inside_can(capsys):
    operator = make_person("it", "zhao")
    tie(operator)

    call_command("let_in", "zhao")

    password = capsys.readouterr().out.split()[-1]
    operator.refresh_from_db()
    assert operator.check_password(password) and not Authenticator.objects.exists()
    assert AuditEntry.objects.get(action="operator.password_given").actor is None
    with pytest.raises(CommandError):
        call_command("let_in", "nobody")


def test_phones_have_no_pages_of_their_own():
    operator = make_person("it", "zhao")
    Operator.objects.filter(pk=operator.pk).update(is_superuser=True)
    client, _codes = tie(operator)

    for path in ("otp_totp/totpdevice/", "otp_static/staticdevice/", "foundation/authenticator/"):
        assert client.get(f"/console/{path}").status_code == 404


def test_the_code_is_asked_before_a_stolen_password_is_changed():
    operator = make_person()
    tie(operator)

    assert knock(operator).get("/console/password_change/")["Location"].startswith(CODE)


def test_a_login_that_ran_out_owes_its_code_again():
    operator = make_person()
    client, _codes = tie(operator)
    session = client.session
    session["seen_at"] = time.time() - 3 * 3600
    session.save()

    client.get("/console/")
    client.post("/console/login/", {"username": operator.username, "password": PASSWORD})

    assert client.get("/console/")["Location"].startswith(CODE)
