"""The strip that says that the machine stands."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from delivery.services.sweep import beat
from foundation import clock
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    operator = make_operator(is_staff=True, is_superuser=True)
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(operator)
    return browser


@pytest.mark.parametrize(
    ("ages", "words"),
    [
        ({}, "has never run"),
        ({"clock": 5}, "has never run"),
        ({"clock": 5, "sweep": 5}, None),
        ({"clock": 5, "sweep": 120}, "Nothing has been started or swept since"),
    ],
)
def test_every_office_page_says_when_the_machine_stands(client: Client, ages, words):
    for name, seconds in ages.items():
        beat(name=name, now=clock.now() - timedelta(seconds=seconds))

    text = client.get("/console/campaigns/").content.decode()

    assert ("The machine stands." in text) is (words is not None)
    assert words is None or words in text


def test_a_start_gives_the_machine_time_to_speak(client: Client):
    call_command("sync")

    assert "The machine stands." not in client.get("/console/campaigns/").content.decode()


def test_the_clock_and_the_sweep_show_that_they_live(client: Client):
    from campaigns.tasks import fire_due
    from delivery.tasks import sweep_all

    fire_due()
    sweep_all()

    assert "The machine stands." not in client.get("/console/campaigns/").content.decode()
