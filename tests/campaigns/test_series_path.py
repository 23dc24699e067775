"""Series, waves and late runs through the whole house, in one process."""

from datetime import date, timedelta

import pytest

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.services import freeze, runs
from delivery.models import CapPolicy
from delivery.services import sweep
from foundation.services import outbox
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator, make_store, mobile
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def two_members_of_two_stores(committed):
    make_channel()
    for number, code in enumerate(("S2", "S1")):
        make_member(number, home_store=make_store(code))


def work(now) -> int:
    """What the background does at an instant; returns how many messages were handed over."""
    runs.fire_due(now=now)
    freeze.freeze_open(now=now)
    sent = pump_all(now=now)
    sweep.sweep(now=now)
    outbox.run_due(now=now)
    outbox.run_due(now=now)
    return sent


def test_stores_are_written_to_one_after_the_other(provider: FakeProvider):
    make_campaign(wave_kind="STORE", wave_minutes=30)

    assert work(NOON) == 1
    assert work(NOON + timedelta(minutes=29, seconds=59)) == 0
    assert Run.objects.get().state == RunState.SENDING
    assert work(NOON + timedelta(minutes=30)) == 1

    assert provider.phones == [mobile(1), mobile(0)]
    assert (Run.objects.get().state, Campaign.objects.get().state) == (RunState.FINISHED, CampaignState.FINISHED)


def test_a_series_writes_each_time_and_is_finished_after_the_last(provider: FakeProvider):
    campaign = make_campaign(repeat="WEEKLY", repeat_until=date(2026, 11, 27))

    assert [work(NOON), work(NOON + HOUR)] == [2, 0]
    campaign.refresh_from_db()
    assert (campaign.state, campaign.next_at) == (CampaignState.APPROVED, NOON + WEEK)
    assert work(NOON + WEEK) == 2

    campaign.refresh_from_db()
    assert (campaign.state, campaign.next_at) == (CampaignState.FINISHED, None)
    assert [run.state for run in campaign.runs.order_by("id")] == [RunState.FINISHED] * 2


def test_a_stopped_run_of_a_series_leaves_the_next_one_alone(provider: FakeProvider):
    campaign, by = make_campaign(repeat="WEEKLY", cap_policy=CapPolicy.DEFER), make_operator()
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)
    runs.stop(run_id=campaign.runs.get().pk, reason="价格写错了", by=by, now=NOON)
    assert work(NOON) == 0

    assert work(NOON + WEEK) == 2

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.APPROVED
    assert [run.state for run in campaign.runs.order_by("id")] == [RunState.STOPPED, RunState.FINISHED]


def test_a_late_run_leaves_only_after_somebody_has_said_so(provider: FakeProvider):
    make_campaign(late_policy="ASK", wave_kind="STORE", wave_minutes=30)
    assert work(NOON + 2 * HOUR) == 0

    runs.send_late(run_id=Run.objects.get().pk, by=make_operator(), now=NOON + 3 * HOUR)

    # Its waves count from the decision, not from the planned time.
    assert [work(NOON + 3 * HOUR), work(NOON + 3 * HOUR + timedelta(minutes=30))] == [1, 1]
    assert Campaign.objects.get().state == CampaignState.FINISHED
