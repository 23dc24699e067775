"""A run between its time and its first message: paused, stopped, stuck."""

import threading
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import connection

from campaigns.models import CampaignState, Run, RunAudience, RunState
from campaigns.queries import wave_plan
from campaigns.services import freeze, runs
from coupons.models import CouponBatch
from delivery.models import Dispatch, Message
from foundation.models import Alert
from tests.campaigns.test_path import BODY, settle
from tests.delivery.ledgers import pump_all, states
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
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")


def test_a_run_that_is_being_prepared_rests_when_paused_and_goes_on_with_the_next_person(provider, monkeypatch):
    make_channel()
    for number in range(5):
        make_member(number)
    by, campaign = make_operator(), make_campaign(version=make_version(BODY), terms=make_terms())
    (run_id,) = runs.fire_due(now=NOON)
    monkeypatch.setattr(freeze, "CHUNK_PEOPLE", 2)
    freeze.fix_audience(run_id=run_id, now=NOON)
    plan = wave_plan(run=Run.objects.get(pk=run_id))
    freeze.freeze_chunk(run_id=run_id, plan=plan)
    runs.pause(run_id=run_id, by=by, now=NOON)

    freeze.freeze_open(now=NOON)
    assert freeze.freeze_chunk(run_id=run_id, plan=plan) == 0
    assert freeze.release(run_id=run_id, now=NOON) is False
    assert Message.objects.count() == 2 and pump_all() == 0
    runs.resume(run_id=run_id, by=by, now=NOON)
    freeze.freeze_open(now=NOON)
    settle()

    campaign.refresh_from_db()
    assert (Message.objects.count(), campaign.state) == (5, CampaignState.FINISHED)
    assert sorted(provider.phones) == sorted(mobile(number) for number in range(5))


def test_a_run_that_is_paused_before_its_audience_is_fixed_begins_when_it_goes_on(provider: FakeProvider):
    make_channel()
    make_member(1)
    by, campaign = make_operator(), make_campaign()
    (run_id,) = runs.fire_due(now=NOON)
    runs.pause(run_id=run_id, by=by, now=NOON)
    freeze.freeze_open(now=NOON)
    assert not Dispatch.objects.exists()

    runs.resume(run_id=run_id, by=by, now=NOON)
    freeze.freeze_open(now=NOON)
    settle()

    campaign.refresh_from_db()
    assert (provider.phones, campaign.state) == ([mobile(1)], CampaignState.FINISHED)


def test_a_run_that_is_stopped_while_it_is_prepared_sends_nothing_and_releases_its_coupons(provider, monkeypatch):
    make_channel()
    for number in range(5):
        make_member(number)
    by, campaign = make_operator(), make_campaign(version=make_version(BODY), terms=make_terms(planned_count=5))
    (run_id,) = runs.fire_due(now=NOON)
    monkeypatch.setattr(freeze, "CHUNK_PEOPLE", 2)
    freeze.fix_audience(run_id=run_id, now=NOON)
    freeze.freeze_chunk(run_id=run_id, plan=wave_plan(run=Run.objects.get(pk=run_id)))

    runs.stop(run_id=run_id, reason="价格写错了", by=by, now=NOON)
    freeze.freeze_open(now=NOON)
    settle()

    run = Run.objects.get()
    campaign.refresh_from_db()
    assert (run.state, run.finished_at, campaign.state) == (RunState.STOPPED, NOON, CampaignState.STOPPED)
    assert states(Dispatch.objects.get()) == {"CANCELLED": 2}
    assert CouponBatch.objects.get().issued_count == 0
    assert provider.calls == []


@pytest.mark.race
def test_a_stop_does_not_wait_for_an_audience_of_a_minute_and_wins(provider, monkeypatch):
    make_channel()
    make_member(1)
    by = make_operator()
    make_campaign()
    (run_id,) = runs.fire_due(now=NOON)
    begun, clicked, sizing = threading.Event(), threading.Event(), freeze.check_size

    def slow(campaign, people):
        begun.set()
        assert clicked.wait(timeout=20)
        sizing(campaign, people)

    monkeypatch.setattr(freeze, "check_size", slow)

    def prepare() -> None:
        freeze.freeze_open(now=NOON)
        connection.close()

    freezing = threading.Thread(target=prepare)
    freezing.start()
    assert begun.wait(timeout=20)
    runs.stop(run_id=run_id, reason="价格写错了", by=by, now=NOON)
    clicked.set()
    freezing.join(timeout=20)

    assert Run.objects.get().state == RunState.STOPPED
    assert not RunAudience.objects.exists() and not Dispatch.objects.exists() and not Message.objects.exists()


def test_a_start_that_hangs_alerts_once_and_the_alert_closes_when_it_has_begun(provider, monkeypatch):
    make_channel()
    make_member(1)
    campaign = make_campaign()
    broken = RuntimeError("the database is full")
    monkeypatch.setattr(runs, "_begin", Mock(side_effect=broken))
    for seconds in (0, 60, 70):
        assert runs.fire_due(now=NOON + timedelta(seconds=seconds)) == []
    alert = Alert.objects.get(code="START_STUCK")
    assert (alert.subject, alert.times_count) == (f"campaigns.campaign:{campaign.pk}", 1)
    monkeypatch.undo()

    (run_id,) = runs.fire_due(now=NOON + timedelta(seconds=80))
    assert not Alert.objects.filter(code="START_STUCK", closed_at=None).exists()
    runs.fire_due(now=NOON + timedelta(seconds=140))
    assert Alert.objects.get(code="START_STUCK", closed_at=None).subject == f"campaigns.run:{run_id}"
    freeze.freeze_open(now=NOON + timedelta(seconds=150))
    runs.fire_due(now=NOON + timedelta(seconds=150))

    assert not Alert.objects.filter(code="START_STUCK", closed_at=None).exists()
