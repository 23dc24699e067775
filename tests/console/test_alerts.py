"""Alerts: sentences with their facts, links only to pages that the reader may open, the calendar's warning."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.test import Client

from console import permissions
from console.workplaces.alerts import CLOSED_SHOWN, PLACES_BY_CODE, SENTENCES, badge, sentence, unconfirmed_year
from delivery.models import CalendarDay
from foundation import clock
from foundation.errors import HasMoved
from foundation.models import Alert, AuditEntry, Operator
from foundation.services import alerts
from tests.console.test_watch import client_of
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def roles(committed: None) -> None:
    """The groups."""
    permissions.sync()


def raised(code: str, subject: str = "test.row:1", **facts) -> Alert:
    """An open alert as services raise it."""
    alerts.raise_alert(code=code, subject=subject, now=NOON, **facts)
    return Alert.objects.get(code=code, subject=subject, closed_at__isnull=True)


def one_of_each() -> list[Alert]:
    """Every kind of alert, about rows that are there."""
    make_member(1)
    channel, campaign = make_channel(name="甲通道"), make_campaign()
    subject = f"delivery.channel:{channel.pk}"
    return [
        raised("CHANNEL_BROKEN", subject, channel=channel.name, why="ACCEPT"),
        raised("BALANCE_LOW", subject, channel=channel.name, balance=1_234_567),
        raised("PROVIDER_REQUEST", subject, channel=channel.name, why="REQUEST isv.PARAM"),
        raised("MESSAGE_INCOMPLETE", "delivery.dispatch:1", source="campaigns.run:1", why="MergeFieldMissing"),
        raised("DISPATCH_PAUSED", "delivery.dispatch:1", source="campaigns.run:1", why="CONTENT"),
        raised("UNSURE_OLD", subject),
        raised("RETENTION_BUSY", "delivery.message:202511", kind="OperationalError"),
        raised("LEDGER_WRONG", "foundation.ledgerproof:tallies", check="tallies", wrong=3),
        raised("NOTES_UNREAD", subject, channel=channel.name, why="at must carry its offset."),
        raised("START_STUCK", f"campaigns.campaign:{campaign.pk}", campaign=campaign.name),
        raised("RUN_LATE", f"campaigns.run:{campaign.pk}", campaign=campaign.name, seconds=74),
        raised("WEBHOOK_FAILING", "foundation.webhook:1", name="会员系统", why="503"),
        raised("LINK_GUESSING", "network:203.0.113.0/24", network="203.0.113.0/24", count=300),
    ]


def test_every_sentence_gets_its_facts():
    found = {one.code: sentence(one) for one in one_of_each()}

    assert set(found) == set(SENTENCES)
    for words in found.values():
        assert "%(" not in words and "—" not in words
    assert "123.46" in found["BALANCE_LOW"]
    assert "甲通道" in found["UNSURE_OLD"]
    assert "tallies" not in found["LEDGER_WRONG"] and "3" in found["LEDGER_WRONG"]


@pytest.mark.parametrize("role", ["marketing", "approver", "it"])
def test_every_link_on_the_page_can_be_opened_by_who_sees_it(role):
    one_of_each()
    client = client_of(role)

    shown = client.get("/console/alerts/").context["alerts"]

    links = {one.code: link for one, _words, link in shown}
    assert len(links) == len(SENTENCES) and links["CHANNEL_BROKEN"]
    assert {code: client.get(link).status_code for code, link in links.items() if link and client.get(link)} == {
        code: 200 for code, link in links.items() if link
    }
    closed_to_reader = {"marketing": {"LEDGER_WRONG"}, "approver": {"LEDGER_WRONG"}, "it": {"UNSURE_OLD"}}[role]
    assert {code for code in PLACES_BY_CODE if not links[code]} == closed_to_reader


def test_a_second_close_is_refused_and_leaves_the_first_name():
    alert = raised("BALANCE_LOW", channel="甲通道", balance=1)
    first, second = make_operator("first"), make_operator("second")

    alerts.close(alert_id=alert.pk, by=first, now=NOON)
    with pytest.raises(HasMoved):
        alerts.close(alert_id=alert.pk, by=second, now=NOON + timedelta(minutes=1))

    alert.refresh_from_db()
    assert (alert.closed_by, alert.closed_at) == (first, NOON)
    assert AuditEntry.objects.filter(action="alert.closed").count() == 1


def test_the_page_says_that_a_colleague_was_faster():
    alert = raised("BALANCE_LOW", channel="甲通道", balance=1)
    client = client_of("it")

    client.post(f"/console/alerts/{alert.pk}/close/")
    again = client.post(f"/console/alerts/{alert.pk}/close/", follow=True)

    assert [one.level_tag for one in again.context["messages"]] == ["success", "error"]


def test_a_cause_that_comes_back_opens_a_new_alert():
    first = raised("BALANCE_LOW", channel="甲通道", balance=1)
    client_of("it").post(f"/console/alerts/{first.pk}/close/")

    second = raised("BALANCE_LOW", channel="甲通道", balance=1)

    assert second.pk != first.pk and second.times_count == 1


def test_only_the_last_closed_are_shown_with_who_and_when():
    by = make_operator("helper", display_name="赵一鸣")
    for number in range(CLOSED_SHOWN + 3):
        alert = raised("RETENTION_BUSY", f"delivery.message:{number}", kind="x")
        alerts.close(alert_id=alert.pk, by=by, now=NOON + timedelta(minutes=number))

    answer = client_of("it").get("/console/alerts/")

    closed = [one for one, _words in answer.context["closed"]]
    assert len(closed) == CLOSED_SHOWN
    assert closed[0].closed_at == NOON + timedelta(minutes=CLOSED_SHOWN + 2)
    assert "赵一鸣" in answer.content.decode()


def test_the_badge_counts_open_alerts_for_those_who_may_see_them():
    alert = raised("BALANCE_LOW", channel="甲通道", balance=1)
    client_of("it"), client_of("clerk")
    reader, stranger = (SimpleNamespace(user=Operator.objects.get(username=name)) for name in ("it", "clerk"))
    assert (badge(reader), badge(stranger)) == ("1", "")

    alerts.clear(code=alert.code, subject=alert.subject, now=NOON)

    assert badge(reader) == ""


@pytest.mark.parametrize(
    ("now", "year"),
    [
        (datetime(2026, 10, 31, 15, 59, tzinfo=UTC), None),  # a minute before November in Shanghai
        (datetime(2026, 10, 31, 16, 0, tzinfo=UTC), 2027),
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), 2027),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), None),
    ],
)
def test_the_calendar_is_asked_for_from_november_on_in_shanghai(monkeypatch, now, year):
    CalendarDay.objects.all().delete()
    monkeypatch.setattr(clock, "now", lambda: now)

    assert unconfirmed_year() == year


def test_a_confirmed_year_is_not_asked_for(monkeypatch):
    CalendarDay.objects.all().delete()
    CalendarDay.objects.create(day="2027-01-01", kind="HOLIDAY", name="元旦", is_confirmed=True)
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert unconfirmed_year() is None

    CalendarDay.objects.create(day="2027-05-01", kind="HOLIDAY", name="劳动节", is_confirmed=False)

    assert unconfirmed_year() == 2027


def test_a_stranger_is_sent_to_the_login():
    assert Client().get("/console/alerts/").status_code == 302
