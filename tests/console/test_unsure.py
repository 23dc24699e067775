"""Unsure messages and receipts without a message: counts by age, pages, decisions."""

from datetime import timedelta

import pytest

from console import permissions
from console.workplaces import unsure as workplace
from delivery.models import Message, Receipt, UnsureMessage
from delivery.queries.watch import Bands, newest_known, stray_bands, unsure_bands
from delivery.services import pump
from delivery.services import unsure as settling
from foundation.errors import DomainError, HasMoved
from foundation.models import AuditEntry
from tests.console.test_watch import client_of
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, mobile
from tests.fakes import provider as fakes

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def roles(committed: None) -> None:
    """The groups."""
    permissions.sync()


def doubts(provider, count: int = 1) -> list[int]:
    """Messages of one broken call, as their numbers in order."""
    make_channel(name="甲通道")
    add_people(make_dispatch(), [mobile(number) for number in range(count)])
    provider.script = [fakes.ambiguous]
    pump.send_chunk(lane="bulk", clock=lambda: NOON)
    return list(UnsureMessage.objects.order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (timedelta(0), "hour"),
        (timedelta(minutes=59, seconds=59), "hour"),
        (timedelta(hours=1), "day"),
        (timedelta(hours=23, minutes=59), "day"),
        (timedelta(days=1), "three_days"),
        (timedelta(days=3), "older"),
        (timedelta(days=30), "older"),
    ],
)
def test_each_age_has_one_band(age, band):
    Receipt.objects.create(
        channel_id=7, vendor_id="x", is_delivered=True, reported_at=NOON, received_at=NOON - age, merge_after=None
    )
    UnsureMessage.objects.create(message_id=1, month=NOON.date(), dispatch_id=1, channel_id=7, since=NOON - age)

    assert stray_bands(now=NOON) == unsure_bands(now=NOON) == {7: Bands(**{band: 1})}


def test_bands_add_up_and_merged_receipts_are_no_strays():
    for number, merged in enumerate([None, NOON]):
        Receipt.objects.create(
            channel_id=7, vendor_id=f"x{number}", is_delivered=True, reported_at=NOON, received_at=NOON,
            merged_at=merged,
        )  # fmt: skip

    assert stray_bands(now=NOON) == {7: Bands(hour=1)}
    assert (Bands(1, 2, 3, 4) + Bands(hour=1)).total == 11


def test_the_newest_come_first_page_by_page(provider):
    numbers = doubts(provider, 5)

    first = [one.row.pk for one in newest_known(limit=2, before_id=None)]
    second = [one.row.pk for one in newest_known(limit=2, before_id=first[-1])]
    last = [one.row.pk for one in newest_known(limit=2, before_id=second[-1])]

    assert first + second + last == numbers[::-1]
    assert newest_known(limit=2, before_id=numbers[0]) == []


@pytest.mark.parametrize("query", ["", "newest"])
def test_a_reader_walks_through_all_pages_either_way(provider, monkeypatch, query):
    numbers = doubts(provider, 5)
    monkeypatch.setattr(workplace, "PER_PAGE", 2)
    client = client_of("marketing")

    seen: list[int] = []
    address = f"?{query}"
    while address:
        answer = client.get(f"/console/unsure/{address}")
        seen += [one.row.pk for one, _ended in answer.context["known"]]
        address = answer.context["more"]

    assert seen == (numbers[::-1] if query else numbers)


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "٣", "²", ""])
def test_a_strange_address_shows_the_first_page(provider, after):
    [number] = doubts(provider)

    answer = client_of("marketing").get("/console/unsure/", {"after": after})

    assert answer.status_code == 200
    assert "0000" in answer.content.decode() or number <= 3


def test_what_is_known_is_in_words_and_the_phone_is_masked(provider):
    doubts(provider)
    UnsureMessage.objects.update(check_count=4, absent_count=2, next_check_at=None)

    answer = client_of("marketing").get("/console/unsure/", headers={"Accept-Language": "en"})

    shown = answer.content.decode()
    assert "the provider gave no clear answer" in shown and "AMBIGUOUS" not in shown
    assert "4 times" in shown and "unknown to it 2 times" in shown and "is asked no more" in shown
    assert "****0000" in shown and mobile(0) not in shown
    assert 'formaction="' not in shown, "marketing may look and not decide"


def test_several_are_settled_at_once_and_nobody_is_written_to_again(provider):
    first, second, third = doubts(provider, 3)
    client = client_of("approver")

    client.post("/console/unsure/not-sent/", {"message": [first, second]})

    states = dict(Message.objects.values_list("id", "state"))
    assert states == {first: "REFUSED", second: "REFUSED", third: "UNSURE"}
    assert len(provider.phones) == 3
    entry = AuditEntry.objects.get(action="unsure.decided")
    assert entry.detail == {"messages": [first, second], "was_sent": False}


def test_a_repeated_decision_is_refused_and_does_not_turn_the_first_around(provider):
    [number] = doubts(provider)
    by = make_operator()

    settling.decide(message_ids=[number], was_sent=True, by=by, now=NOON)
    with pytest.raises(HasMoved):
        settling.decide(message_ids=[number], was_sent=False, by=by, now=NOON)

    assert Message.objects.get().state == "ACCEPTED"
    assert AuditEntry.objects.filter(action="unsure.decided").count() == 1


def test_a_decision_about_nothing_is_refused():
    with pytest.raises(DomainError):
        settling.decide(message_ids=[], was_sent=True, by=make_operator(), now=NOON)


def test_the_page_says_that_a_message_is_settled_already(provider):
    [number] = doubts(provider)
    client = client_of("approver")

    client.post("/console/unsure/sent/", {"message": number})
    again = client.post("/console/unsure/not-sent/", {"message": number}, follow=True)

    assert [one.level_tag for one in again.context["messages"]] == ["success", "error"]
    assert Message.objects.get().state == "ACCEPTED"


@pytest.mark.parametrize("role", ["marketing", "it", "clerk", "store_manager"])
def test_only_an_approver_decides(provider, role):
    [number] = doubts(provider)

    assert client_of(role).post("/console/unsure/sent/", {"message": number}).status_code == 403
    assert Message.objects.get().state == "UNSURE"


def test_stray_receipts_are_counted_by_channel_and_age_without_our_reference():
    channel = make_channel(name="甲通道")
    for number, (age, again) in enumerate([(timedelta(minutes=1), NOON), (timedelta(days=4), None)]):
        Receipt.objects.create(
            channel_id=channel.pk, vendor_id=f"{number}" * 60, is_delivered=False, vendor_code="MK:0001",
            reference="202611-77", reported_at=NOON, received_at=NOON - age, merge_after=again,
        )  # fmt: skip

    answer = client_of("it").get("/console/receipts/unknown/")

    shown = answer.content.decode()
    assert (answer.context["total"], answer.context["waiting"], answer.context["given_up"]) == (2, 1, 1)
    assert [name for name, _bands in answer.context["by_channel"]] == ["甲通道"]
    assert "0" * 20 in shown and "0" * 30 not in shown and "202611-77" not in shown
