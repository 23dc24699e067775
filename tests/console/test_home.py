"""Home: each role's tiles, the last 24 hours with their table, the week to come; constant in the number of rows."""

from datetime import datetime, timedelta
from itertools import count

import pytest

from campaigns.services import freeze, runs
from console import permissions
from console.workplaces.home_chart import chart_of, scale_for
from delivery.models import CalendarDay
from delivery.queries.today import SentHour, sent_by_hour, sent_today
from foundation import clock
from tests.console.test_watch import client_of
from tests.delivery.ledgers import pump_all
from tests.factories import (
    MIDNIGHT,
    NOON,
    add_people,
    make_campaign,
    make_channel,
    make_dispatch,
    make_member,
    mobile,
)
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")

LATER = NOON + timedelta(minutes=30)
_numbers = count(1_000)  # nobody is written to twice


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups, half an hour after noon of 20 November 2026."""
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: LATER)


def send(people: int, *, now: datetime = NOON, tier: str = "MARKETING") -> None:
    """Messages of one dispatch, handed over."""
    dispatch = make_dispatch(now=now, tier=tier)
    add_people(dispatch, [mobile(next(_numbers)) for _n in range(people)])
    pump_all(now=now, lane="bulk" if tier == "MARKETING" else "urgent")


def test_today_is_beside_yesterday_by_this_time_and_tests_of_ones_own_count_nowhere(provider: FakeProvider):
    make_channel()
    send(3)
    send(2, now=NOON - timedelta(days=1))
    send(1, now=NOON - timedelta(days=1) + timedelta(hours=2))
    send(4, tier="INTERNAL")

    today, before = sent_today(midnight=MIDNIGHT, now=LATER)

    assert (today.submitted, today.cost, before.submitted) == (3, 3 * 450, 2)
    assert [one.total for one in sent_by_hour(now=LATER)][-1] == 3


def test_hours_are_24_with_marketing_apart(provider: FakeProvider):
    make_channel()
    send(3, now=NOON - timedelta(hours=2))
    send(2, tier="NOTICE")

    hours = sent_by_hour(now=LATER)

    assert len(hours) == 24 and hours[-1].hour == NOON
    assert [(one.marketing, one.other) for one in hours if one.total] == [(3, 0), (0, 2)]


@pytest.mark.parametrize(("highest", "top"), [(0, 10), (10, 10), (11, 20), (21, 50), (51, 100), (200_001, 500_000)])
def test_the_scale_ends_on_a_round_number(highest, top):
    assert scale_for(highest) == top


def test_the_drawing_and_its_table_are_of_the_same_numbers():
    chart = chart_of([SentHour(NOON - timedelta(hours=1), 5, 5), SentHour(NOON, 0, 20)], now=LATER)

    assert (chart.top, chart.half, chart.highest.total) == (20, 10, 20)
    assert [(one.other_y, one.marketing_y) for one in chart.columns] == [(750, 500), (0, 0)]


@pytest.mark.parametrize(
    ("role", "sees", "not_sees"),
    [
        ("marketing", ["今天已提交", "今天花费", "今天的活动", "最近 24 小时", "未来 7 天"], []),
        ("approver", ["今天已提交", "今天花费", "未来 7 天"], ["导入会员"]),
        ("it", ["今天已提交", "最近 24 小时"], ["今天花费", "今天的活动", "未来 7 天", "今天核销"]),
    ],
)
def test_each_role_sees_what_concerns_it(role, sees, not_sees):
    text = client_of(role).get("/console/").content.decode()

    assert [word for word in sees if word not in text] == []
    assert [word for word in not_sees if word in text] == []


def test_the_week_shows_what_has_begun_what_comes_and_what_each_day_is(provider: FakeProvider):
    make_channel()
    make_member(1)
    make_campaign(name="每天", repeat="DAILY")
    make_campaign(name="没送审", is_approved=False, scheduled_at=NOON + timedelta(days=1))
    CalendarDay.objects.create(day=(NOON + timedelta(days=2)).date(), kind="BLACKOUT", name="盘点")
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)

    answer = client_of("marketing").get("/console/")

    week = answer.context["week"]
    assert [[plan.name for plan in one["plans"]] for one in week] == [["每天"]] * 7
    assert [one["mark"] for one in week if one["mark"]] == ["停发"] and "盘点" in answer.content.decode()
    assert "没送审" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/console/", "/console/home/live/", "/console/home/hours/"])
def test_the_number_of_questions_does_not_grow(provider, path, django_assert_max_num_queries):
    make_channel()
    make_member(1)
    client = client_of("marketing")
    counts = []
    for number in range(5):
        make_campaign(name=f"C{number}", scheduled_at=NOON - timedelta(minutes=number))
        send(3, now=NOON - timedelta(hours=number))
        runs.fire_due(now=LATER)
        freeze.freeze_open(now=LATER)
        with django_assert_max_num_queries(60) as asked:
            client.get(path)
        counts.append(len(asked))

    # Each of the three alerts that are shown looks up its page.
    assert len(set(counts[2:])) == 1, counts


def test_live_parts_are_closed_to_strangers_and_to_who_may_not_see_them():
    assert client_of("clerk").get("/console/home/live/").status_code == 403
    assert client_of("store_manager").get("/console/home/hours/").status_code == 403
