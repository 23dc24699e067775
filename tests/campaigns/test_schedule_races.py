"""Two Beats, two buttons, two ends at one moment: with real threads, each with what happens without the guard."""

import threading
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.queries import open_runs
from campaigns.services import drafts, runs
from foundation.errors import HasMoved
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.race]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def one_member_and_a_channel(committed):
    make_member(1)
    make_channel()


def test_four_beats_catch_up_with_a_series_and_make_one_run_for_each_occurrence(race):
    campaign = make_campaign(repeat="DAILY", valid_hours=12)

    fired, faults = race(lambda _number: runs.fire_due(now=NOON + 3 * DAY), 4)

    assert faults == []
    assert sorted(map(len, fired)) == [0, 0, 0, 1]
    states = list(campaign.runs.order_by("occurrence_at").values_list("state", flat=True))
    assert states == [RunState.SKIPPED] * 3 + [RunState.FIRED]
    assert Campaign.objects.get().next_at == NOON + 4 * DAY


def test_control_beats_that_look_and_then_write_make_the_same_run_twice(race):
    """Without the compare-and-swap, only the constraint is left, and it answers with errors."""
    campaign = make_campaign(repeat="DAILY")

    def fire(_number: int) -> None:
        Run.objects.create(campaign=campaign, occurrence_at=campaign.next_at, fired_at=NOON)

    _made, faults = race(fire, 4)

    assert [type(fault) for fault in faults] == [IntegrityError] * 3


def test_of_two_who_decide_about_a_late_run_one_does(race):
    make_campaign(late_policy="ASK")
    (run_id,) = runs.fire_due(now=NOON + 2 * HOUR)
    by = make_operator()

    def decide(number: int) -> str:
        (runs.send_late, runs.skip_late)[number % 2](run_id=run_id, by=by, now=NOON + 2 * HOUR)
        return ("FIRED", "SKIPPED")[number % 2]

    decided, refusals = race(decide, 4)

    assert [type(one) for one in refusals] == [HasMoved] * 3
    assert decided == [Run.objects.get().state]
    expected = CampaignState.RUNNING if decided == ["FIRED"] else CampaignState.STOPPED
    assert Campaign.objects.get().state == expected


def test_control_two_who_look_and_then_decide_about_a_late_run_both_do(race):
    make_campaign(late_policy="ASK")
    (run_id,) = runs.fire_due(now=NOON + 2 * HOUR)
    both_have_looked = threading.Barrier(2)

    def decide(number: int) -> bool:
        waits = Run.objects.get(pk=run_id).state == RunState.ASKING
        both_have_looked.wait(timeout=20)
        return waits and bool(Run.objects.filter(pk=run_id).update(state=(RunState.FIRED, RunState.SKIPPED)[number]))

    assert race(decide, 2) == ([True, True], [])


def last_two() -> Campaign:
    campaign = make_campaign(repeat="DAILY", repeat_until=date(2026, 11, 21))
    runs.fire_due(now=NOON)
    runs.fire_due(now=NOON + DAY)
    return campaign


@pytest.mark.parametrize("_round", range(5))
def test_the_last_two_runs_that_end_at_one_moment_end_the_series(race, _round):
    campaign = last_two()
    ids = list(campaign.runs.values_list("id", flat=True))

    _ended, faults = race(lambda number: runs.fail(run_id=ids[number], reason="x", now=NOON), 2)

    assert faults == []
    assert Campaign.objects.get().state == CampaignState.STOPPED


def test_control_without_the_lock_neither_of_the_last_two_sees_the_other_end(race):
    campaign = last_two()
    ids = list(campaign.runs.values_list("id", flat=True))
    both_have_ended = threading.Barrier(2)

    def end(number: int) -> bool:
        with transaction.atomic():
            Run.objects.filter(pk=ids[number]).update(state=RunState.FAILED)
            both_have_ended.wait(timeout=20)
            seen = open_runs(campaign_id=campaign.pk).exists()
            both_have_ended.wait(timeout=20)
            return seen

    sees_an_open_run, faults = race(end, 2)

    assert (sees_an_open_run, faults) == ([True, True], [])


@pytest.mark.parametrize("_round", range(5))
def test_the_end_of_a_series_and_of_its_run_at_one_moment_leave_it_ended(race, _round):
    campaign, by = make_campaign(repeat="DAILY"), make_operator()
    (run_id,) = runs.fire_due(now=NOON)

    def end(number: int) -> None:
        if number:
            runs.end_series(campaign_id=campaign.pk, by=by, now=NOON)
        else:
            runs.fail(run_id=run_id, reason="x", now=NOON)

    _ended, faults = race(end, 2)

    assert faults == []
    assert Campaign.objects.get().state == CampaignState.STOPPED


@pytest.mark.parametrize("_round", range(5))
def test_a_change_and_a_start_at_one_moment_never_leave_a_run_of_a_draft(race, _round):
    campaign = make_campaign(repeat="DAILY")

    def step(number: int) -> None:
        if number:
            runs.fire_due(now=NOON)
            return
        drafts.save_draft(
            campaign_id=campaign.pk, name="other", segment=campaign.segment, version=campaign.template_version,
            terms=None, scheduled_at=NOON + DAY, by=campaign.author, now=NOON,
        )  # fmt: skip

    _done, refusals = race(step, 2)

    campaign.refresh_from_db()
    outcome = (campaign.state, campaign.runs.count(), len(refusals))
    assert outcome in [(CampaignState.APPROVED, 1, 1), (CampaignState.DRAFT, 0, 0)]


def test_control_a_change_that_looks_for_runs_and_then_writes_leaves_a_run_of_a_draft(race):
    campaign = make_campaign(repeat="DAILY")
    looked, begun = threading.Event(), threading.Event()

    def step(number: int) -> None:
        if number:
            assert looked.wait(timeout=20)
            runs.fire_due(now=NOON)
            begun.set()
            return
        assert not open_runs(campaign_id=campaign.pk).exists()
        looked.set()
        assert begun.wait(timeout=20)
        Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.DRAFT, next_at=None)

    _done, faults = race(step, 2)

    campaign.refresh_from_db()
    assert (faults, campaign.state, campaign.runs.count()) == ([], CampaignState.DRAFT, 1)
