"""The page of a run: everybody stands in one line, how fast it goes, why nothing leaves, and what a stop needs."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from campaigns import queries
from campaigns.models import Campaign, Run, RunState
from campaigns.queries import report
from campaigns.services import runs
from console.workplaces.run_page import page_context, run_context
from console.workplaces.run_words import verdict_of
from delivery.models import Channel, Handoff, HandoffState, Message
from delivery.port import ReceiptNote
from delivery.queries import pace
from delivery.rules.categories import Category
from delivery.services import brakes, receipts
from foundation import clock
from foundation.errors import DomainError
from foundation.models import AuditEntry
from foundation.services.phones import hash_phone
from tests.campaigns.test_path import BODY, fire, settle
from tests.delivery.ledgers import pump_all
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_terms,
    make_version,
    mobile,
)
from tests.fakes.provider import FakeProvider, refuse_phone

pytestmark = pytest.mark.usefixtures("committed")

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    with translation.override("en"):
        yield


def browser_of(*permissions: str) -> Client:
    operator = make_operator(is_staff=True)
    operator.user_permissions.set(Permission.objects.filter(codename__in=["see_every_store", *permissions]))
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(operator)
    return browser


@pytest.fixture
def steerer() -> Client:
    """A browser of somebody who may pause and stop."""
    return browser_of("view_campaign", "stop_campaign")


def campaign_of(people: int, **facts) -> Campaign:
    for number in range(people):
        make_member(number)
    return make_campaign(version=make_version(BODY), terms=make_terms(), **facts)


def verdict(run: Run, *, now=NOON, last_minute: int = 0, in_hands: int = 0):
    run.refresh_from_db()
    return verdict_of(run, report(run=run), last_minute=last_minute, in_hands=in_hands, now=now)


def handed_over(run: Run, *, at, people: int, state: str = HandoffState.RECORDED, channel=None) -> None:
    assert run.dispatch_id is not None
    Handoff.objects.create(
        month=at.date().replace(day=1), dispatch_id=run.dispatch_id, channel=channel or make_channel(f"c{at:%d%H%M%S}"),
        state=state, message_ids=list(range(people)), lease_until=at, created_at=at,
    )  # fmt: skip


def test_the_lines_add_up_to_the_frozen_list_and_lie_side_by_side_in_the_bar(provider: FakeProvider):
    channel = make_channel()
    campaign = campaign_of(6)
    provider.script = [refuse_phone(mobile(5), Category.NUMBER)]
    run = fire(campaign)
    pump_all()
    note = ReceiptNote(f"v202611-{_message_id(run, mobile(1))}", True, "DELIVRD", NOON)
    receipts.store_receipts(channel=channel, notes=[note], now=NOON)
    settle()
    run.refresh_from_db()

    found = run_context(run, now=NOON)

    assert [(one.state, one.people, one.start) for one in found["places"]] == [
        ("DELIVERED", 1, 0), ("ACCEPTED", 4, 1), ("REFUSED", 1, 5),
    ]  # fmt: skip
    assert sum(one.people for one in found["places"]) == run.planned_count == 6
    assert (found["missing"], found["handed_over"], found["waiting"]) == (0, 5, 0)
    assert [(one.submitted, one.delivered, one.with_result) for one in found["carried"]] == [(5, 1, 1)]


def _message_id(run: Run, phone: str) -> int:
    return Message.objects.get(dispatch_id=run.dispatch_id, phone_hash=hash_phone(phone)).id


def test_people_who_stand_in_no_line_are_told_of(provider: FakeProvider):
    make_channel()
    run = fire(campaign_of(2))
    Run.objects.update(planned_count=3)
    run.refresh_from_db()

    assert run_context(run, now=NOON)["missing"] == 1


def test_while_it_runs_coupons_are_not_counted_each_second(provider: FakeProvider, monkeypatch):
    make_channel()
    run, counted = fire(campaign_of(2)), []
    real = queries.aftermath_of
    monkeypatch.setattr(queries, "aftermath_of", lambda run: counted.append(1) or real(run=run))
    assert [run_context(run, now=NOON)["report"].coupons["issued"] for _time in range(3)] == [2, 2, 2]
    assert len(counted) == 1

    settle()
    run.refresh_from_db()
    assert run_context(run, now=NOON)["report"].coupons == real(run=run).coupons
    assert len(counted) == 1  # what has ended is counted by the report itself, at once


def test_the_chart_has_whole_minutes_only_and_those_in_which_nothing_left(provider: FakeProvider):
    make_channel()
    run = fire(campaign_of(1))
    for seconds, people in ((10, 5), (50, 7), (130, 3), (185, 9)):
        handed_over(run, at=NOON + timedelta(seconds=seconds), people=people)
    handed_over(run, at=NOON + timedelta(seconds=20), people=100, state=HandoffState.RETURNED)

    found = pace.pace_of(dispatch_id=run.dispatch_id, now=NOON + timedelta(seconds=200))

    assert (found.step_minutes, list(found.points)) == (
        1, [(NOON, 12), (NOON + MINUTE, 0), (NOON + 2 * MINUTE, 3)],
    )  # fmt: skip
    later = pace.pace_of(dispatch_id=run.dispatch_id, now=NOON + timedelta(hours=5))
    assert list(later.points) == [*found.points, (NOON + 3 * MINUTE, 9)]


def test_a_long_run_is_drawn_in_longer_steps_and_loses_nobody(provider: FakeProvider):
    make_channel()
    run = fire(campaign_of(1))
    for hours in (0, 3, 30):
        handed_over(run, at=NOON + timedelta(hours=hours, minutes=7), people=hours + 1)

    found = pace.pace_of(dispatch_id=run.dispatch_id, now=NOON + timedelta(days=3))

    assert found.step_minutes == 60
    assert len(found.points) <= pace.POINTS and sum(count for _at, count in found.points) == 1 + 4 + 31


def test_the_pace_of_the_last_minute_says_when_it_will_be_over(provider: FakeProvider):
    make_channel()
    run = fire(campaign_of(4))

    assert verdict(run, last_minute=2).title == "Sending, 0 %, done at 12:02:00"
    assert verdict(run).title == "Sending, 0 %: nothing left in the last minute"


@pytest.mark.parametrize(
    ("make_it_so", "why"),
    [
        (lambda: brakes.pull(scope="ALL", reason="x", by=make_operator(), now=NOON), "all sending is stopped"),
        (lambda: _drain(), "no channel is open"),
    ],
)
def test_it_says_why_nothing_leaves(provider: FakeProvider, make_it_so, why):
    make_channel()
    run = fire(campaign_of(2))
    make_it_so()

    assert verdict(run, last_minute=60).title == f"Sending, 0 %: {why}"


def _drain() -> None:
    Channel.objects.update(state="DRAINED")


def test_at_night_it_says_when_it_goes_on_and_between_waves_that_it_waits(provider: FakeProvider):
    make_channel()
    run = fire(campaign_of(2, wave_kind="SHARE", wave_count=2, wave_minutes=30))

    assert verdict(run).title == "Sending, 0 %: waits for its next wave"
    assert verdict(run, now=NOON + timedelta(hours=10)).title.endswith(": goes on at 11-21 08:00")


def test_a_pause_names_those_who_are_still_on_their_way(provider: FakeProvider):
    make_channel()
    run = fire(campaign_of(3))
    handed_over(run, at=NOON, people=2, state=HandoffState.FENCED)
    assert pace.in_hands(dispatch_id=run.dispatch_id) == 2
    runs.pause(run_id=run.pk, by=make_operator(), now=NOON)

    assert verdict(run, in_hands=2).title == "Pausing: 2 still leave"
    assert verdict(run).title == "Paused: 3 people wait"


def test_a_page_made_for_another_phase_is_loaded_anew(provider: FakeProvider, steerer):
    make_channel()
    run = fire(campaign_of(2))
    address = f"/console/runs/{run.pk}/progress/"

    same = steerer.get(address, {"phase": "SENDING"})
    runs.pause(run_id=run.pk, by=make_operator(), now=NOON)
    other = steerer.get(address, {"phase": "SENDING"})

    body = same.content.decode()
    assert 'id="run"' in body and 'hx-trigger="every 1s, wake"' in body and "HX-Refresh" not in same
    assert body.count('hx-swap-oob="true"') == 3
    assert (other["HX-Refresh"], other.content) == ("true", b"")


def test_a_run_without_open_ends_asks_for_no_more_news(provider: FakeProvider, steerer):
    make_channel()
    campaign = campaign_of(1)
    provider.script = [refuse_phone(mobile(0), Category.NUMBER)]
    run = fire(campaign)
    settle()

    page = steerer.get(f"/console/campaigns/{campaign.pk}/").content.decode()

    assert "hx-trigger" not in page.split('id="run"')[1].split(">")[0]
    assert f"/runs/{run.pk}/minutes/" not in page and "Money and time" in page


def test_a_stop_needs_a_reason_which_everybody_reads(provider: FakeProvider, steerer):
    make_channel()
    campaign = campaign_of(2)
    run = fire(campaign)
    with pytest.raises(DomainError):
        runs.stop(run_id=run.pk, reason="  ", by=make_operator(), now=NOON)

    steerer.post(f"/console/runs/{run.pk}/stop/", {"reason": ""})
    run.refresh_from_db()
    assert run.state == RunState.SENDING
    steerer.post(f"/console/runs/{run.pk}/stop/", {"reason": "价格写错了"})
    settle()

    run.refresh_from_db()
    assert (run.state, run.reason) == (RunState.STOPPED, "价格写错了")
    assert AuditEntry.objects.get(action="run.stopped").detail == {"reason": "价格写错了"}
    assert "价格写错了" in steerer.get(f"/console/campaigns/{campaign.pk}/").content.decode()


def test_a_run_that_was_stopped_before_its_list_was_fixed_has_a_page(provider: FakeProvider, steerer):
    make_channel()
    campaign = campaign_of(1)
    runs.fire_due(now=NOON)
    runs.stop(run_id=campaign.runs.get().pk, reason="价格写错了", by=make_operator(), now=NOON)

    page = steerer.get(f"/console/campaigns/{campaign.pk}/").content.decode()
    assert "Stopped: 0 people have got it" in page and "Money and time" not in page


def test_who_may_only_look_gets_no_buttons_and_no_key(provider: FakeProvider, steerer):
    make_channel()
    run, reader = fire(campaign_of(2)), browser_of("view_campaign")

    address = f"/console/campaigns/{run.campaign_id}/"
    assert "sure-pause" in steerer.get(address).content.decode()
    seen = reader.get(address).content.decode()

    assert "sure-pause" not in seen and "/pause/" not in seen and "/stop/" not in seen
    assert reader.post(f"/console/runs/{run.pk}/stop/", {"reason": "x"}).status_code == 403
    for part in ("progress", "minutes"):
        assert browser_of().get(f"/console/runs/{run.pk}/{part}/").status_code == 403


def test_money_and_time_against_the_sheet_with_the_people_who_make_the_difference(provider: FakeProvider):
    make_channel()
    campaign = campaign_of(3)
    make_member(7)
    provider.script = [refuse_phone(mobile(0), Category.NUMBER)]
    run = fire(campaign)
    settle()
    run.refresh_from_db()

    settled = page_context(run, now=NOON)["settled"]

    parts, cost = settled["rows"][0], settled["rows"][1]
    assert parts[3] == "0" and cost[3] == "0"  # one more, one refused
    assert settled["why"] == "+1 people on the list · 1 refused, which costs nothing"
    assert settled["rows"][2][1:3] == ("11-20 12:00:00", "11-20 12:00:00")
