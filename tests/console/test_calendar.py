"""The calendar: what is on which day, the next free days, moving what is not approved."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from campaigns.models import Campaign, CampaignReview, CampaignState
from campaigns.services import freeze, review, runs
from console import permissions
from console.lunar import words_of
from delivery.models import CalendarDay
from delivery.rules.window import SHANGHAI
from foundation import clock
from foundation.models import AuditEntry
from tests.console.test_watch import client_of
from tests.factories import NOON, make_campaign, make_channel, make_member

pytestmark = pytest.mark.usefixtures("committed")

MORNING = NOON - timedelta(hours=3)


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups, and a day on which it is always the morning of 20 November 2026."""
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: MORNING)


def shown(client: Client, query: str = "") -> dict[date, list[str]]:
    """The names on each day that has some."""
    weeks = client.get(f"/console/calendar/{query}").context["weeks"]
    return {day.day: [one.name for one in day.entries] for week in weeks for day in week.days if day.entries}


def draft(**facts) -> Campaign:
    """A campaign that nobody has submitted."""
    return make_campaign(is_approved=False, **facts)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 10, 1), ("国庆节", True)), (date(2026, 10, 8), ("寒露", True)),
        (date(2026, 10, 10), ("九月", False)), (date(2026, 10, 18), ("重阳节", True)),
        (date(2026, 2, 17), ("春节", True)), (date(2026, 10, 11), ("初二", False)),
    ],
)  # fmt: skip
def test_days_are_named_as_on_a_wall_calendar(day, words):
    assert words_of(day) == words


def test_runs_and_what_is_to_come_stand_on_their_days(provider):
    make_channel()
    make_member(1)
    make_campaign(name="每周", repeat="WEEKLY", repeat_until=date(2026, 12, 5))
    draft(name="草稿", scheduled_at=NOON + timedelta(days=2))
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)

    found = shown(client_of("marketing"))

    assert found == {
        date(2026, 11, 20): ["每周"], date(2026, 11, 22): ["草稿"], date(2026, 11, 27): ["每周"],
        date(2026, 12, 4): ["每周"],
    }  # fmt: skip
    assert shown(client_of("approver"), "?view=week&on=2026-12-01") == {date(2026, 12, 4): ["每周"]}


def test_the_next_free_days_leave_out_what_is_taken_and_blackout_days():
    draft(scheduled_at=NOON + timedelta(days=1))
    CalendarDay.objects.create(day=date(2026, 11, 23), kind="BLACKOUT", name="盘点")
    client = client_of("marketing")

    gap = client.get("/console/calendar/").context["gap"]

    assert gap == (date(2026, 11, 24), date(2026, 12, 6))
    form = client.get("/console/campaigns/new/?on=2026-11-24").content.decode()
    assert "2026-11-24T10:00:00" in form
    assert "T10:00:00" not in client.get("/console/campaigns/new/?on=tomorrow").content.decode()


def test_a_draft_moves_to_another_day_at_the_same_hour():
    campaign, client = draft(), client_of("marketing")

    answer = client.post(f"/console/campaigns/{campaign.pk}/move/", {"day": "2026-11-30", "on": "2026-11-20"})

    campaign.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, "/console/calendar/?on=2026-11-20")
    assert campaign.scheduled_at == datetime(2026, 11, 30, 12, tzinfo=SHANGHAI)
    assert AuditEntry.objects.get(action="campaign.moved").detail == {"day": "2026-11-30"}


def test_one_in_review_becomes_a_draft_again(provider):
    make_channel()
    make_member(1)
    campaign, client = draft(), client_of("marketing")
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    client.post(f"/console/campaigns/{campaign.pk}/move/", {"day": "2026-11-30"})

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT and campaign.scheduled_at.day == 30
    assert list(CampaignReview.objects.order_by("id").values_list("action", flat=True)) == ["SUBMITTED", "WITHDRAWN"]


@pytest.mark.parametrize("day", ["2026-11-19", "2026-11-23", "tomorrow", "", "99999-01-01", "2026-02-30"])
def test_a_day_that_can_not_be_is_refused_and_nothing_moves(day):
    CalendarDay.objects.create(day=date(2026, 11, 23), kind="BLACKOUT", name="盘点")
    campaign, client = draft(), client_of("marketing")

    client.post(f"/console/campaigns/{campaign.pk}/move/", {"day": day})

    campaign.refresh_from_db()
    assert campaign.scheduled_at == NOON and not AuditEntry.objects.filter(action="campaign.moved").exists()


def test_an_approved_campaign_does_not_move_and_who_only_reads_moves_nothing():
    make_channel()
    make_member(1)
    approved, still = make_campaign(name="approved"), draft(name="draft")

    client_of("marketing").post(f"/console/campaigns/{approved.pk}/move/", {"day": "2026-11-30"})
    refused = client_of("approver").post(f"/console/campaigns/{still.pk}/move/", {"day": "2026-11-30"})

    assert refused.status_code == 403
    assert client_of("it").get("/console/calendar/").status_code == 403
    assert set(Campaign.objects.values_list("scheduled_at", flat=True)) == {NOON}


def test_nobody_asks_more_often_for_more_campaigns(django_assert_max_num_queries):
    client = client_of("marketing")
    client.get("/console/calendar/")
    draft(name="one")
    with django_assert_max_num_queries(60) as few:
        client.get("/console/calendar/")
    for number in range(12):
        draft(name=f"more {number}", scheduled_at=NOON + timedelta(days=number))
    with django_assert_max_num_queries(60) as many:
        client.get("/console/calendar/")

    assert len(many) == len(few)


@pytest.mark.parametrize("query", ["?on=1000-01-01", "?on=9999-12-31", "?on=x", "?on=2026-13-01", "?on=2099-12-31"])
def test_a_month_that_nobody_plans_shows_this_one_or_itself(query):
    assert client_of("marketing").get(f"/console/calendar/{query}").status_code == 200
