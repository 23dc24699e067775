"""Ledger proofs: the newest of each check, what did not agree, and who may look."""

from datetime import timedelta

import pytest

from console import permissions
from foundation.models import LedgerProof
from tests.console.test_watch import client_of
from tests.factories import NOON

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def roles(committed: None) -> None:
    """The groups."""
    permissions.sync()


def keep(name: str, *, wrong: int = 0, samples: list | None = None, nights_ago: int = 0) -> LedgerProof:
    """The result of one night."""
    return LedgerProof.objects.create(
        name=name, at=NOON - timedelta(days=nights_ago), checked_count=12_345, wrong_count=wrong, samples=samples or []
    )


def test_the_newest_result_of_each_check_counts():
    keep("queue", wrong=2, samples=[17, 18], nights_ago=1)
    newest = keep("queue")

    answer = client_of("it").get("/console/proofs/")

    assert [one.pk for one, _words in answer.context["latest"]] == [newest.pk]
    assert answer.context["wrong"] == 0
    assert "12,345" in answer.content.decode()


def test_a_difference_stays_to_be_seen_with_its_numbers():
    keep("queue", wrong=2, samples=[17_001, 17_002], nights_ago=1)
    keep("queue")

    shown = client_of("it").get("/console/proofs/").content.decode()

    assert "17001, 17002" in shown


def test_what_is_wrong_now_is_marked():
    keep("slots", wrong=4, samples=[90_210])

    shown = client_of("it").get("/console/proofs/").content.decode()

    assert "k-light--bad" in shown and "k-tag--bad" in shown and "90210" in shown


def test_a_check_of_a_later_release_is_shown_by_its_name():
    keep("from_the_future")

    assert "from_the_future" in client_of("it").get("/console/proofs/").content.decode()


def test_before_the_first_night_the_page_says_so():
    assert "k-empty" in client_of("it").get("/console/proofs/").content.decode()


@pytest.mark.parametrize("role", ["marketing", "approver", "clerk", "store_manager"])
def test_only_it_looks_at_proofs(role):
    assert client_of(role).get("/console/proofs/").status_code == 403
