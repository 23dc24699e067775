"""What a late run asks, and who answers."""

from datetime import timedelta

import pytest

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.services import runs
from foundation.errors import HasMoved
from foundation.models import Alert, AuditEntry
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def one_member_and_a_channel():
    make_member(1)
    make_channel()


def fired(*, late: timedelta, **facts) -> Run:
    make_campaign(**{"valid_hours": 12} | facts)
    (run_id,) = runs.fire_due(now=NOON + late)
    return Run.objects.select_related("campaign").get(pk=run_id)


def test_a_run_that_is_late_is_skipped_when_that_was_wanted():
    run = fired(late=2 * HOUR, late_policy="SKIP")

    assert (run.state, run.finished_at, run.campaign.state) == (
        RunState.SKIPPED, NOON + 2 * HOUR, CampaignState.STOPPED,
    )  # fmt: skip
    assert "60" in run.reason
    assert Alert.objects.get().facts["verdict"] == "SKIP"


def test_a_run_that_is_late_waits_for_a_decision_and_is_sent():
    run, by = fired(late=2 * HOUR, late_policy="ASK"), make_operator()
    assert (run.state, run.campaign.state) == (RunState.ASKING, CampaignState.RUNNING)

    runs.send_late(run_id=run.pk, by=by, now=NOON + 3 * HOUR)

    run.refresh_from_db()
    assert (run.state, run.delay_seconds) == (RunState.FIRED, 3 * 3600)
    assert AuditEntry.objects.filter(action="run.sent_late", actor=by).count() == 1
    with pytest.raises(HasMoved):
        runs.skip_late(run_id=run.pk, by=by, now=NOON + 3 * HOUR)
    with pytest.raises(HasMoved):
        runs.send_late(run_id=run.pk, by=by, now=NOON + 3 * HOUR)


def test_a_run_that_is_late_waits_for_a_decision_and_is_skipped():
    run, by = fired(late=2 * HOUR, late_policy="ASK"), make_operator("li")

    runs.skip_late(run_id=run.pk, by=by, now=NOON + 3 * HOUR)

    run.refresh_from_db()
    assert (run.state, run.finished_at) == (RunState.SKIPPED, NOON + 3 * HOUR)
    assert "li" in run.reason
    assert Campaign.objects.get().state == CampaignState.STOPPED
    assert AuditEntry.objects.filter(action="run.skipped", actor=by).count() == 1
    with pytest.raises(HasMoved):
        runs.send_late(run_id=run.pk, by=by, now=NOON + 3 * HOUR)


def test_a_run_past_its_validity_can_not_be_sent_any_more():
    run = fired(late=2 * HOUR, late_policy="ASK")

    with pytest.raises(runs.RunTooOld):
        runs.send_late(run_id=run.pk, by=make_operator(), now=NOON + 12 * HOUR)

    run.refresh_from_db()
    assert (run.state, AuditEntry.objects.filter(action="run.sent_late").count()) == (RunState.ASKING, 0)


def test_a_run_that_nobody_decides_on_is_skipped_at_the_end_of_its_validity():
    run = fired(late=2 * HOUR, late_policy="ASK")

    runs.fire_due(now=NOON + 12 * HOUR - timedelta(seconds=1))
    assert Run.objects.get().state == RunState.ASKING
    runs.fire_due(now=NOON + 12 * HOUR)

    run.refresh_from_db()
    assert (run.state, run.finished_at, bool(run.reason)) == (RunState.SKIPPED, NOON + 12 * HOUR, True)
    assert Campaign.objects.get().state == CampaignState.STOPPED


@pytest.mark.parametrize("policy", ["SEND", "ASK"])
def test_a_run_that_is_too_old_has_failed_and_there_is_no_question(policy):
    run = fired(late=12 * HOUR, late_policy=policy)

    assert (run.state, run.campaign.state) == (RunState.FAILED, CampaignState.STOPPED)
    assert run.reason


def test_a_series_goes_on_whatever_becomes_of_a_late_run():
    run = fired(late=2 * HOUR, late_policy="ASK", repeat="DAILY")
    runs.skip_late(run_id=run.pk, by=make_operator(), now=NOON + 3 * HOUR)

    runs.fire_due(now=NOON + DAY)

    states = list(Run.objects.order_by("occurrence_at").values_list("state", flat=True))
    assert states == [RunState.SKIPPED, RunState.FIRED]
    assert Campaign.objects.get().state == CampaignState.APPROVED
