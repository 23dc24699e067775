"""Both doors: wrong passwords, one-time passwords, what IT does for an operator. With real requests."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group
from django.test import Client

from console import permissions
from foundation import clock
from foundation.models import AuditEntry, Operator
from tests.coupons.tills import make_clerk
from tests.factories import make_operator

pytestmark = pytest.mark.django_db

PASSWORD = "fresh-greens-88"
DOORS = {"office": "/console/login/", "till": "/till/login/"}
INSIDE = {"office": "/console/rights/", "till": "/till/"}
CHANGE = {"office": "/console/password_change/", "till": "/till/password/"}
ELSEWHERE = "203.0.113.{}"


def make_person(door: str, username: str = "lina", password: str = PASSWORD) -> Operator:
    operator = make_clerk(username=username, is_staff=door == "office")
    operator.set_password(password)
    operator.save()
    return operator


def knock(
    door: str, password: str = "wrong-wrong-1", username: str = "lina", client: Client | None = None, **more: str
):
    return (client or Client()).post(DOORS[door], {"username": username, "password": password}, **more)


@pytest.fixture
def it() -> Client:
    permissions.sync()
    operator = make_operator("zhao", is_staff=True, display_name="赵一鸣")
    operator.groups.add(Group.objects.get(name="it"))
    client = Client()
    client.force_login(operator)
    return client


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


# Wrong passwords ----------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_the_fifth_wrong_password_shuts_the_door_and_says_for_how_long(door):
    make_person(door)

    answers = [knock(door) for _time in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert "密码输错次数太多，请 15 分钟后再试，或请 IT 解锁。" in answers[4].content.decode()
    assert answers[4]["Retry-After"] == "900"
    right = knock(door, PASSWORD)
    assert right.status_code == 429 and "分钟后再试" in right.content.decode()


def test_the_sentence_is_english_on_request():
    make_person("office")

    answers = [knock("office", HTTP_ACCEPT_LANGUAGE="en") for _time in range(5)]

    assert "Try again in 15 minutes, or ask IT to unlock you." in answers[-1].content.decode()


def test_both_doors_count_together():
    make_person("office")

    answers = [knock(door) for door in ("office", "till", "office", "till", "office")]

    assert answers[-1].status_code == 429


def test_another_address_and_another_name_are_not_shut_out():
    make_person("till")
    make_person("till", "wang")
    for _time in range(5):
        knock("till")

    assert knock("till", PASSWORD, "wang").status_code == 302
    assert knock("till", PASSWORD, REMOTE_ADDR=ELSEWHERE.format(1)).status_code == 302


def test_a_name_has_a_limit_of_its_own_from_wherever_it_is_tried():
    make_person("till")

    answers = [knock("till", REMOTE_ADDR=ELSEWHERE.format(number // 4)).status_code for number in range(20)]

    assert answers == [200] * 19 + [429]
    assert knock("till", PASSWORD, REMOTE_ADDR=ELSEWHERE.format(99)).status_code == 429


def test_browsers_are_not_told_apart():
    make_person("till")

    answers = [knock("till", HTTP_USER_AGENT=f"browser {number}").status_code for number in range(5)]

    assert answers[-1] == 429


def test_the_wait_ends_when_it_was_said_to_however_often_one_knocks():
    make_person("till")
    for _time in range(8):
        knock("till")
    assert AccessAttempt.objects.get().failures_since_start == 5

    later = clock.now() - timedelta(minutes=15, seconds=1)
    AccessAttempt.objects.update(attempt_time=later)

    assert knock("till", PASSWORD).status_code == 302


def test_a_login_forgives_its_own_address_only():
    make_person("till")
    knock("till")
    knock("till", REMOTE_ADDR=ELSEWHERE.format(1))

    knock("till", PASSWORD)

    assert list(AccessAttempt.objects.values_list("ip_address", flat=True)) == [ELSEWHERE.format(1)]


@pytest.mark.parametrize("seen", ["", "unknown", "203.0.113.9:8080", "'; --"])
def test_an_address_that_is_none_is_counted_too(settings, seen):
    settings.PROXY_COUNT = 1
    make_person("till")

    answers = [knock("till", HTTP_X_FORWARDED_FOR=seen, REMOTE_ADDR="x").status_code for _time in range(5)]

    assert answers[-1] == 429


def test_behind_a_proxy_visitors_are_told_apart(settings):
    settings.PROXY_COUNT = 1
    make_person("till")
    for _time in range(5):
        knock("till", HTTP_X_FORWARDED_FOR="1.1.1.1, 203.0.113.9")

    assert knock("till", PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.8").status_code == 302
    assert knock("till", PASSWORD, HTTP_X_FORWARDED_FOR="9.9.9.9, 203.0.113.9").status_code == 429


def test_an_unknown_name_is_treated_like_a_known_one():
    make_person("till")

    known, unknown = ([knock("till", username=name) for _time in range(5)] for name in ("lina", "nobody"))

    assert [one.status_code for one in known] == [one.status_code for one in unknown]


def test_nothing_of_what_was_typed_is_kept_but_the_name():
    knock("till", "my-secret-word-9")

    row = AccessAttempt.objects.get()
    assert "my-secret-word-9" not in row.post_data and "lina" not in row.post_data


# What IT does -------------------------------------------------------------------------------------


def act(it: Client, operator: Operator, what: str):
    return it.post(f"/console/operators/{operator.pk}/{what}/", follow=True)


def given(it: Client, operator: Operator) -> str:
    page = act(it, operator, "password").content.decode()
    return re.search(r'k-once" translate="no">([a-z0-9-]{14})<', page)[1]


def test_it_unlocks(it):
    person = make_person("till")
    for _time in range(5):
        knock("till")
    assert "解锁" in it.get(f"/console/operators/{person.pk}/access/").content.decode()

    act(it, person, "access/unlock")

    assert knock("till", PASSWORD).status_code == 302
    entry = AuditEntry.objects.get(action="operator.unlocked")
    assert (entry.actor.username, entry.detail) == ("zhao", {"failures": 5})


@pytest.mark.parametrize("door", DOORS)
def test_a_one_time_password_opens_nothing_but_the_page_for_another_one(it, door):
    person = make_person(door)
    before = Client()
    knock(door, PASSWORD, client=before)

    password = given(it, person)

    assert before.get(INSIDE[door]).status_code == 302  # logged out
    assert knock(door, PASSWORD).status_code == 200  # the old one is gone
    client = Client()
    assert knock(door, password, client=client).status_code == 302
    for path in (INSIDE[door], "/", "/console/foundation/operator/", "/till/history/", "/console/nowhere/"):
        assert client.get(path)["Location"].split("?")[0] == CHANGE[door], path
    assert client.post("/till/api/redeem", {}, content_type="application/json").status_code == 401
    fragment = client.get("/console/home/live/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (204, CHANGE[door])
    assert client.get("/c/AAAAAAAAAAA").status_code == 404

    facts = {"old_password": password, "new_password1": "my-own-word-77", "new_password2": "my-own-word-77"}
    same = client.post(CHANGE[door], facts | {"new_password1": password, "new_password2": password})
    assert same.status_code == 200 and "不能与现在的密码相同" in same.content.decode()
    assert client.post(CHANGE[door], facts).status_code == 302
    assert client.get(INSIDE[door]).status_code == 200
    assert knock(door, "my-own-word-77").status_code == 302
    assert actions() == ["operator.password_given", "operator.password_changed"]
    assert password not in str(list(AuditEntry.objects.values()))


def test_a_one_time_password_grows_old(it):
    person = make_person("till")
    password = given(it, person)
    Operator.objects.filter(pk=person.pk).update(one_time_until=clock.now())

    answer = knock("till", password)

    assert answer.status_code == 200 and "一次性密码已过期" in answer.content.decode()


def test_a_one_time_password_is_shown_once_and_never_kept(it):
    person = make_person("till")
    password = given(it, person)

    assert password not in it.get(f"/console/operators/{person.pk}/access/").content.decode()
    person.refresh_from_db()
    assert person.password.startswith("argon2") and person.check_password(password)


def test_a_new_operator_gets_in_by_a_one_time_password_only(it):
    it.post("/console/foundation/operator/add/", {"username": "neu", "display_name": "新人"})
    person = Operator.objects.get(username="neu")
    assert not person.has_usable_password()

    assert len(given(it, person)) == 14


def test_it_logs_out_everywhere(it):
    person = make_person("till")
    client = Client()
    knock("till", PASSWORD, client=client)

    act(it, person, "access/logout")

    assert client.get("/till/").status_code == 302
    assert AuditEntry.objects.get(action="operator.logged_out").detail == {"sessions": 1}


@pytest.mark.parametrize("what", ["password", "access/unlock", "access/logout"])
def test_nobody_does_it_for_themself_or_for_a_superuser(it, what):
    me = Operator.objects.get(username="zhao")
    root = make_operator("root", is_staff=True, is_superuser=True)

    assert "请同事代办" in act(it, me, what).content.decode()
    assert "只有超级管理员" in act(it, root, what).content.decode()
    assert actions() == []


def test_nobody_deactivated_gets_a_password(it):
    person = make_person("till")
    Operator.objects.filter(pk=person.pk).update(is_active=False)

    assert "已停用" in act(it, person, "password").content.decode()


@pytest.mark.parametrize("role", ["marketing", "approver", "clerk", "store_manager"])
def test_only_it_opens_the_page(it, role):
    person = make_person("till")
    client = Client()
    other = make_operator(is_staff=True)
    other.groups.add(Group.objects.get(name=role))
    client.force_login(other)

    assert client.get(f"/console/operators/{person.pk}/access/").status_code == 403
    for what in ("password", "access/unlock", "access/logout"):
        assert act(client, person, what).status_code == 403


def test_djangos_own_page_for_typing_somebodys_password_is_closed(it):
    person = make_person("till")

    answer = it.get(f"/console/foundation/operator/{person.pk}/password/")

    assert answer["Location"] == f"/console/operators/{person.pk}/access/"
    assert "password1" not in it.get("/console/foundation/operator/add/").content.decode()


@pytest.mark.parametrize("door", DOORS)
def test_a_door_speaks_both_languages_and_changes_them(door):
    client = Client()
    assert "密码" in client.get(DOORS[door]).content.decode()

    client.post("/language/", {"language": "en", "next": DOORS[door]})

    page = client.get(DOORS[door]).content.decode()
    assert re.search("login name", page, re.I) and "中文" in page


def test_axes_has_no_pages_of_its_own(it):
    Operator.objects.filter(username="zhao").update(is_superuser=True)

    assert it.get("/console/axes/accessattempt/").status_code == 404
