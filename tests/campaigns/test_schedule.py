"""When runs are made: in time, late, missed, again and again."""

from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.services import drafts, review, runs
from foundation.db import execute, fetch_all
from foundation.errors import HasMoved
from foundation.models import Alert, AuditEntry
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MORNING = NOON - 3 * HOUR


@pytest.fixture(autouse=True)
def one_member_and_a_channel():
    make_member(1)
    make_channel()


def daily(**facts) -> Campaign:
    return make_campaign(**{"repeat": "DAILY", "valid_hours": 12} | facts)


def made(campaign: Campaign) -> list[tuple[datetime, str]]:
    """The runs of a campaign by occurrence, with their states."""
    return list(campaign.runs.order_by("occurrence_at").values_list("occurrence_at", "state"))


def close(campaign: Campaign, state: str = RunState.FINISHED) -> None:
    """End the open runs of a campaign, as delivery's news would."""
    campaign.runs.filter(state=RunState.FIRED).update(state=state)
    runs.settle(campaign_id=campaign.pk)


def state_of(campaign: Campaign) -> tuple[str, datetime | None]:
    campaign.refresh_from_db()
    return campaign.state, campaign.next_at


def test_an_approval_sets_the_first_occurrence_and_a_change_clears_it():
    campaign = make_campaign()
    assert state_of(campaign) == (CampaignState.APPROVED, NOON)

    drafts.save_draft(
        campaign_id=campaign.pk, name=campaign.name, segment=campaign.segment, version=campaign.template_version,
        terms=None, scheduled_at=NOON, by=make_operator(), now=MORNING,
    )  # fmt: skip

    assert state_of(campaign) == (CampaignState.DRAFT, None)


def test_a_campaign_that_is_sent_once_runs_once_and_has_no_next():
    campaign = make_campaign()

    assert runs.fire_due(now=NOON - timedelta(seconds=1)) == []
    fired = runs.fire_due(now=NOON)
    again = runs.fire_due(now=NOON + DAY)

    assert (fired, again) == ([Run.objects.get().pk], [])
    assert state_of(campaign) == (CampaignState.RUNNING, None)


def test_a_series_stays_approved_and_fires_while_an_earlier_run_is_under_way():
    campaign = daily()

    runs.fire_due(now=NOON)
    runs.fire_due(now=NOON + DAY)

    assert made(campaign) == [(NOON, RunState.FIRED), (NOON + DAY, RunState.FIRED)]
    assert state_of(campaign) == (CampaignState.APPROVED, NOON + 2 * DAY)


def test_a_series_ends_with_its_last_open_run():
    campaign = daily(repeat_until=date(2026, 11, 21))
    runs.fire_due(now=NOON)
    runs.fire_due(now=NOON + DAY)
    assert state_of(campaign) == (CampaignState.RUNNING, None)
    first, last = campaign.runs.order_by("id")

    Run.objects.filter(pk=last.pk).update(state=RunState.SENDING, dispatch_id=7)
    runs.on_dispatch_closed(payload={"dispatch_id": 7}, now=NOON + DAY)
    assert state_of(campaign)[0] == CampaignState.RUNNING
    runs.fail(run_id=first.pk, reason="x", now=NOON + DAY)

    assert state_of(campaign) == (CampaignState.FINISHED, None)


def test_a_failed_run_does_not_end_a_series_and_one_of_nothing_but_failures_ends_stopped():
    campaign = daily(repeat_until=date(2026, 11, 21))

    for day in range(2):
        (run_id,) = runs.fire_due(now=NOON + day * DAY)
        runs.fail(run_id=run_id, reason="x", now=NOON + day * DAY)
        assert state_of(campaign)[0] == (CampaignState.APPROVED, CampaignState.STOPPED)[day]


def test_of_missed_occurrences_the_newest_is_sent_and_each_older_one_says_that_it_was_skipped():
    campaign = daily()
    back_at = NOON + 3 * DAY + HOUR

    fired = runs.fire_due(now=back_at)

    assert made(campaign) == [
        (NOON, RunState.SKIPPED), (NOON + DAY, RunState.SKIPPED), (NOON + 2 * DAY, RunState.SKIPPED),
        (NOON + 3 * DAY, RunState.FIRED),
    ]  # fmt: skip
    assert fired == [campaign.runs.get(state=RunState.FIRED).pk]
    skipped = campaign.runs.filter(state=RunState.SKIPPED)
    assert set(skipped.values_list("finished_at", flat=True)) == {back_at}
    assert all(skipped.values_list("reason", flat=True))
    assert state_of(campaign) == (CampaignState.APPROVED, NOON + 4 * DAY)


def test_a_series_that_slept_for_years_leaves_no_more_rows_than_the_cap(monkeypatch):
    monkeypatch.setattr(runs, "MISSED_RUNS", 3)
    campaign = daily()

    runs.fire_due(now=NOON + 1000 * DAY)

    days = [(at - NOON).days for at, _state in made(campaign)]
    assert days == [997, 998, 999, 1000]
    assert state_of(campaign) == (CampaignState.APPROVED, NOON + 1001 * DAY)


def test_a_series_that_ended_while_the_machine_was_down_is_caught_up_and_ends():
    campaign = daily(repeat_until=date(2026, 11, 22), late_policy="SKIP")

    runs.fire_due(now=NOON + 30 * DAY)

    assert made(campaign) == [(NOON + day * DAY, RunState.SKIPPED) for day in range(3)]
    assert state_of(campaign) == (CampaignState.STOPPED, None)


def test_a_beat_that_is_down_for_an_hour_changes_nothing_but_the_delay_which_is_told():
    campaign = daily()

    (run_id,) = runs.fire_due(now=NOON + HOUR)

    run = Run.objects.get()
    assert (run.pk, run.occurrence_at, run.delay_seconds, run.state) == (run_id, NOON, 3600, RunState.FIRED)
    alert = Alert.objects.get()
    assert (alert.code, alert.subject) == ("RUN_LATE", f"campaigns.run:{run.pk}")
    assert (alert.facts["seconds"], alert.facts["campaign"]) == (3600, campaign.name)


@pytest.mark.parametrize(("seconds", "alerts"), [(0, 0), (60, 0), (61, 1)])
def test_a_delay_of_more_than_a_minute_is_told(seconds, alerts):
    make_campaign()

    runs.fire_due(now=NOON + timedelta(seconds=seconds))

    assert Alert.objects.count() == alerts


def test_a_clock_that_jumps_forward_and_back_sends_no_occurrence_twice():
    campaign = daily()
    runs.fire_due(now=NOON)
    runs.fire_due(now=NOON + 2 * DAY)  # the clock is two days ahead
    before = made(campaign)

    for hours in (0, 1, 24, 25, 47, 48):
        assert runs.fire_due(now=NOON + hours * HOUR) == []  # and right again

    assert made(campaign) == before
    runs.fire_due(now=NOON + 3 * DAY)
    assert made(campaign)[-1] == (NOON + 3 * DAY, RunState.FIRED)


def test_a_clock_that_is_behind_fires_later_and_once():
    campaign = daily()

    assert runs.fire_due(now=NOON - 9 * HOUR) == []
    runs.fire_due(now=NOON)
    assert runs.fire_due(now=NOON - HOUR) == []

    assert made(campaign) == [(NOON, RunState.FIRED)]


def test_an_occurrence_that_has_a_run_already_gets_no_second_one_and_the_campaign_still_ends():
    campaign = make_campaign()
    Run.objects.create(campaign=campaign, occurrence_at=NOON, fired_at=NOON, state=RunState.FINISHED)

    assert runs.fire_due(now=NOON) == []

    assert campaign.runs.count() == 1
    assert state_of(campaign) == (CampaignState.FINISHED, None)


def test_month_ends_and_leap_days_are_kept_over_the_whole_series():
    end_of_january = datetime(2027, 1, 31, 2, 0, tzinfo=UTC)
    campaign = make_campaign(scheduled_at=end_of_january, repeat="MONTHLY", repeat_until=date(2028, 3, 31))

    days = []
    while (state_of(campaign))[1] is not None:
        runs.fire_due(now=campaign.next_at)
        days.append(campaign.runs.latest("id").occurrence_at.strftime("%m-%d"))
        close(campaign)

    assert days == [
        "01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31",
        "01-31", "02-29", "03-31",
    ]  # fmt: skip
    assert state_of(campaign)[0] == CampaignState.FINISHED


def test_a_fault_in_one_campaign_does_not_keep_the_others_from_starting(monkeypatch):
    broken, whole = make_campaign(), make_campaign()
    begin = runs._begin

    def fault(campaign, run, *, now):
        if campaign.pk == broken.pk:
            raise ZeroDivisionError
        begin(campaign, run, now=now)

    monkeypatch.setattr(runs, "_begin", fault)
    assert runs.fire_due(now=NOON) == [whole.runs.get().pk]
    monkeypatch.undo()

    assert state_of(broken) == (CampaignState.APPROVED, NOON)
    assert runs.fire_due(now=NOON) == [broken.runs.get().pk]


def test_a_series_can_be_ended_by_hand_and_its_run_goes_on():
    campaign, by = daily(), make_operator()
    runs.fire_due(now=NOON)

    runs.end_series(campaign_id=campaign.pk, by=by, now=NOON + HOUR)

    assert made(campaign) == [(NOON, RunState.FIRED)]
    assert state_of(campaign) == (CampaignState.RUNNING, None)
    assert AuditEntry.objects.filter(action="campaign.ended", actor=by).count() == 1
    with pytest.raises(HasMoved):
        runs.end_series(campaign_id=campaign.pk, by=by, now=NOON + HOUR)
    close(campaign)
    assert state_of(campaign) == (CampaignState.FINISHED, None)
    assert runs.fire_due(now=NOON + 9 * DAY) == []


def test_a_campaign_called_off_before_its_first_occurrence_is_stopped():
    campaign = make_campaign()

    runs.end_series(campaign_id=campaign.pk, by=make_operator(), now=MORNING)

    assert state_of(campaign) == (CampaignState.STOPPED, None)
    assert runs.fire_due(now=NOON) == []


@pytest.mark.parametrize("state", [RunState.FIRED, RunState.FREEZING, RunState.ASKING, RunState.SENDING, "PAUSED"])
def test_a_series_is_not_changed_while_a_run_of_it_is_under_way(state):
    campaign = daily()
    runs.fire_due(now=NOON)
    Run.objects.update(state=state)

    with pytest.raises(HasMoved):
        drafts.save_draft(
            campaign_id=campaign.pk, name="other", segment=campaign.segment, version=campaign.template_version,
            terms=None, scheduled_at=NOON + DAY, by=make_operator(), now=NOON,
        )  # fmt: skip

    assert state_of(campaign) == (CampaignState.APPROVED, NOON + DAY)


def test_between_two_occurrences_a_series_can_be_changed_and_waits_for_a_new_approval():
    campaign, approver = daily(), make_operator()
    runs.fire_due(now=NOON)
    close(campaign)

    drafts.save_draft(
        campaign_id=campaign.pk, name="other", segment=campaign.segment, version=campaign.template_version,
        terms=None, scheduled_at=NOON + 2 * DAY, repeat="WEEKLY", by=campaign.author, now=NOON + HOUR,
    )  # fmt: skip
    assert runs.fire_due(now=NOON + DAY) == []
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=NOON + DAY)
    review.approve(campaign_id=campaign.pk, by=approver, now=NOON + DAY)

    runs.fire_due(now=NOON + 2 * DAY)
    assert made(campaign) == [(NOON, RunState.FINISHED), (NOON + 2 * DAY, RunState.FIRED)]
    assert state_of(campaign) == (CampaignState.APPROVED, NOON + 9 * DAY)


def test_an_approval_after_the_planned_time_is_a_late_start():
    campaign = make_campaign(is_approved=False, late_policy="ASK", late_minutes=30)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    review.approve(campaign_id=campaign.pk, by=make_operator(), now=NOON + HOUR)

    runs.fire_due(now=NOON + HOUR)

    assert made(campaign) == [(NOON, RunState.ASKING)]


def test_what_is_due_is_found_by_the_index_of_the_next_occurrence(django_assert_num_queries):
    make_campaign(scheduled_at=NOON + DAY)

    with django_assert_num_queries(5) as asked:  # undecided, due, and three that watch
        assert runs.fire_due(now=NOON) == []

    execute("SET LOCAL enable_seqscan = off")  # on a table this small reading it all is cheaper
    plan = " ".join(row[0] for row in fetch_all("EXPLAIN " + asked[1]["sql"].replace("%", "%%")))
    assert "Index Scan using campaign_next" in plan
    assert not Campaign.objects.filter(state=CampaignState.APPROVED, next_at=None).exists()


def test_a_beat_that_read_before_another_one_fired_changes_nothing():
    campaign = daily()
    runs.fire_due(now=NOON + DAY)

    assert runs._fire(campaign, now=NOON) is None

    assert state_of(campaign) == (CampaignState.APPROVED, NOON + 2 * DAY)


def test_a_beat_that_read_before_a_change_and_a_new_approval_does_not_fire_what_was_changed():
    seen = daily()
    again = seen.author
    drafts.save_draft(
        campaign_id=seen.pk, name=seen.name, segment=seen.segment, version=seen.template_version, terms=None,
        scheduled_at=NOON, repeat="WEEKLY", by=again, now=MORNING,
    )  # fmt: skip
    review.submit(campaign_id=seen.pk, by=again, now=MORNING)
    review.approve(campaign_id=seen.pk, by=make_operator(), now=MORNING)

    assert runs._fire(seen, now=NOON) is None

    assert made(seen) == []
    runs.fire_due(now=NOON)
    assert state_of(seen) == (CampaignState.APPROVED, NOON + 7 * DAY)
