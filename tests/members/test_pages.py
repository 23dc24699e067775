"""The preference page."""

import re

import pytest
from django.test import Client

from members.models import ConsentEvent, PhoneGate
from members.services.preference import links_for
from tests.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def link():
    member = make_member()
    return f"/p/{links_for(phone_hashes=[member.phone_hash])[member.phone_hash]}"


def consent():
    return PhoneGate.objects.get().consent


def test_looking_changes_nothing(client, link):
    response = client.get(link)

    assert response.status_code == 200
    assert (consent(), ConsentEvent.objects.count()) == ("GRANTED", 0)
    assert response["Referrer-Policy"] == "no-referrer" and "default-src 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("query", ["?action=leave", "?action=come_back", "?reason=OTHER"])
def test_a_link_checker_cannot_leave(client, link, query):
    client.get(link + query)
    client.head(link + query)

    assert not ConsentEvent.objects.exists()


def test_one_post_leaves_and_shows_when(client, link):
    response = client.post(link, {"action": "leave", "reason": "TOO_MANY"}, follow=True)

    event = ConsentEvent.objects.get()
    assert response.redirect_chain == [(link, 302)]
    assert (consent(), event.reason, event.source) == ("OPTED_OUT", "TOO_MANY", "PREFERENCE_PAGE")
    assert "come_back" in response.content.decode()


@pytest.mark.parametrize("reason", ["", "<b>x</b>", "x" * 500, "\x00"])
def test_leaving_needs_no_reason_and_keeps_only_known_ones(client, link, reason):
    client.post(link, {"action": "leave", "reason": reason})

    assert (consent(), ConsentEvent.objects.get().reason) == ("OPTED_OUT", "")


def test_leaving_works_without_cookies(link):
    Client(enforce_csrf_checks=True).post(link, {"action": "leave"})

    assert consent() == "OPTED_OUT"


def test_coming_back_is_a_fresh_consent(client, link):
    client.post(link, {"action": "leave"})
    client.post(link, {"action": "come_back"})

    assert consent() == "GRANTED"
    assert list(ConsentEvent.objects.order_by("id").values_list("consent", flat=True)) == ["OPTED_OUT", "GRANTED"]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_proof_of_coming_back_is_the_sentence_on_the_page(client, link, language):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    left = client.post(link, {"action": "leave"}, follow=True).content.decode()
    client.post(link, {"action": "come_back"})

    proof = ConsentEvent.objects.latest("id").proof
    assert proof.startswith("page:/p/ ") and len(proof) <= 200
    assert proof.removeprefix("page:/p/ ") in left


def test_the_page_says_when_and_where_one_agreed(client, link):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.post(link, {"action": "leave"})
    client.post(link, {"action": "come_back"})

    page = client.get(link).content.decode()

    assert f"on this page ({ConsentEvent.objects.latest('id').at:%Y-}" in page


def test_without_a_proof_the_page_claims_none(client, link):
    assert "You agreed" not in client.get(link, headers={"accept-language": "en"}).content.decode()


def test_leaving_says_since_when_and_that_waiting_messages_stay(client, link):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    page = client.post(link, {"action": "leave"}, follow=True).content.decode()

    assert re.search(r"Since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, waiting messages included", page)


def test_leaving_twice_is_one_event(client, link):
    for _ in range(2):
        client.post(link, {"action": "leave"})

    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize("action", ["", "explode"])
def test_an_unknown_act_changes_nothing(client, link, action):
    client.post(link, {"action": action})

    assert not ConsentEvent.objects.exists()


def test_an_unknown_token_is_sorry_whatever_is_asked(client):
    responses = [client.get("/p/nobody"), client.post("/p/nobody", {"action": "leave"})]

    assert [response.status_code for response in responses] == [404, 404]
    assert not ConsentEvent.objects.exists()


def test_the_page_has_no_inline_code(client, link):
    page = client.get(link).content.decode()

    assert "<script" not in page and "style=" not in page and "5678" not in page
