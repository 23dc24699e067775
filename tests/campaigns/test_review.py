"""Review: withdrawn, approved by one or by two, copied, moved, mirrored among Beat's rows."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask

from campaigns.models import Campaign, CampaignReview, CampaignState, Run, RunState, Sheet
from campaigns.services import drafts, freeze, review, runs
from campaigns.services.mirror import mirror_name
from console import schedule
from foundation.errors import HasMoved, NotAllowed
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator

pytestmark = pytest.mark.django_db
MORNING = NOON - timedelta(hours=3)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def three_members_and_a_channel():
    for number in range(3):
        make_member(number)
    make_channel()


@pytest.fixture
def two_needed(settings) -> None:
    settings.SECOND_APPROVAL_PEOPLE = 2


def submitted(**facts) -> Campaign:
    campaign = make_campaign(is_approved=False, **facts)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    campaign.refresh_from_db()
    return campaign


def steps(campaign: Campaign) -> list[str]:
    return list(CampaignReview.objects.filter(campaign=campaign).order_by("id").values_list("action", flat=True))


def test_a_small_campaign_needs_one_approval():
    campaign = submitted()

    assert review.approve(campaign_id=campaign.pk, by=make_operator(), now=MORNING) is True

    campaign.refresh_from_db()
    assert (campaign.state, campaign.approvals_needed) == (CampaignState.APPROVED, 1)


@pytest.mark.usefixtures("two_needed")
def test_above_the_size_two_colleagues_have_to_approve():
    campaign, first, second = submitted(), make_operator(), make_operator()

    assert review.approve(campaign_id=campaign.pk, by=first, now=MORNING) is False
    with pytest.raises(NotAllowed):
        review.approve(campaign_id=campaign.pk, by=first, now=MORNING)
    with pytest.raises(NotAllowed):
        review.approve(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == (CampaignState.SUBMITTED, None)
    assert runs.fire_due(now=NOON) == []

    assert review.approve(campaign_id=campaign.pk, by=second, now=MORNING) is True
    campaign.refresh_from_db()
    assert (campaign.first_approved_by, campaign.approved_by) == (first, second)
    assert steps(campaign) == ["SUBMITTED", "AGREED", "APPROVED"]


@pytest.mark.usefixtures("two_needed")
def test_a_first_approval_does_not_outlive_a_change():
    campaign, first = submitted(), make_operator()
    review.approve(campaign_id=campaign.pk, by=first, now=MORNING)

    review.withdraw(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    assert review.approve(campaign_id=campaign.pk, by=make_operator(), now=MORNING) is False


def test_a_run_that_outgrew_its_one_approval_fails_and_nothing_of_it_leaves(settings):
    campaign = make_campaign()
    settings.SECOND_APPROVAL_PEOPLE = 2
    runs.fire_due(now=NOON)
    run = Run.objects.get(campaign=campaign)

    freeze.freeze(run_id=run.pk, now=NOON)

    run.refresh_from_db()
    assert (run.state, run.dispatch_id, run.audience.count()) == (RunState.FAILED, None, 0)
    assert "3" in run.reason


def test_withdrawing_makes_a_draft_again_and_is_refused_once_approved():
    campaign = submitted()

    review.withdraw(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    campaign.refresh_from_db()
    assert (campaign.state, steps(campaign)) == (CampaignState.DRAFT, ["SUBMITTED", "WITHDRAWN"])

    approved = make_campaign()
    with pytest.raises(HasMoved):
        review.withdraw(campaign_id=approved.pk, by=approved.author, now=MORNING)


def test_only_the_sheet_that_somebody_speaks_of_is_kept():
    campaign = submitted()
    review.withdraw(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    campaign.refresh_from_db()
    assert Sheet.objects.get() == campaign.sheet
    assert campaign.sheet.facts["will_receive"] == 3


def test_a_copy_is_a_draft_of_its_own_for_a_day_to_come():
    old, by = make_campaign(repeat="WEEKLY", wave_kind="SHARE", wave_count=3, wave_minutes=10), make_operator()

    copy = drafts.clone(campaign_id=old.pk, by=by, now=NOON + 3 * DAY)
    again = drafts.clone(campaign_id=copy.pk, by=by, now=NOON + 3 * DAY)

    assert (copy.name, again.name) == (f"{old.name} (2)", f"{old.name} (3)")
    assert (copy.state, copy.author, copy.approved_by, copy.next_at) == (CampaignState.DRAFT, by, None, None)
    assert copy.scheduled_at == NOON + 4 * DAY
    assert (copy.repeat, copy.wave_count, copy.segment) == ("WEEKLY", 3, old.segment)


def test_a_series_is_seen_among_beats_rows_and_is_rung_for_only_while_approved():
    campaign = make_campaign(repeat="MONTHLY", scheduled_at=NOON + 11 * DAY)  # 1 December
    once = make_campaign()
    schedule.sync()

    row = PeriodicTask.objects.get(name=mirror_name(campaign.pk))
    assert (row.task, row.enabled, row.description) == ("campaigns.fire_due", True, campaign.name)
    assert (row.crontab.day_of_month, row.crontab.hour, row.crontab.month_of_year) == ("1", "12", "*")
    assert not PeriodicTask.objects.filter(name=mirror_name(once.pk)).exists()

    runs.end_series(campaign_id=campaign.pk, by=make_operator(), now=NOON)
    row.refresh_from_db()
    assert row.enabled is False


@pytest.mark.parametrize(
    ("repeat", "days", "expected"),
    [
        ("DAILY", 0, ("*", "*", "*")), ("WEEKLY", 0, ("5", "*", "*")), ("WEEKLY", 2, ("0", "*", "*")),
        ("MONTHLY", 10, ("*", "28-31", "*")), ("YEARLY", 10, ("*", "28-31", "11")),
    ],
)  # fmt: skip
def test_the_mirror_rings_on_every_day_that_can_be_meant(repeat, days, expected):
    campaign = make_campaign(repeat=repeat, scheduled_at=NOON + days * DAY)

    row = PeriodicTask.objects.get(name=mirror_name(campaign.pk)).crontab

    assert (row.day_of_week, row.day_of_month, row.month_of_year) == expected


def approve_together(campaign: Campaign, approvers) -> list[object]:
    """All approve at one moment; what each was told."""
    barrier, answers = threading.Barrier(len(approvers)), []

    def act(by) -> None:
        barrier.wait()
        try:
            answers.append(review.approve(campaign_id=campaign.pk, by=by, now=MORNING))
        except (NotAllowed, HasMoved) as refusal:
            answers.append(type(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(one,)) for one in approvers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return answers


@pytest.mark.race
@pytest.mark.usefixtures("two_needed")
@pytest.mark.django_db(transaction=True)
def test_one_colleague_pressing_twice_at_once_is_one_approval():
    for _round in range(10):
        campaign, by = submitted(), make_operator()

        answers = approve_together(campaign, [by, by, by])

        assert sorted(map(str, answers)) == sorted(map(str, [False, NotAllowed, NotAllowed]))
        campaign.refresh_from_db()
        assert (campaign.state, campaign.approved_by) == (CampaignState.SUBMITTED, None)


@pytest.mark.race
@pytest.mark.usefixtures("two_needed")
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_presses_would_count_as_the_first(monkeypatch):
    """The negative control: two approvals that both read before either wrote."""
    together = threading.Barrier(2)
    locked = review.locked

    def read_only(campaign_id: int) -> Campaign:
        found = Campaign.objects.select_related("segment", "template_version", "coupon_terms__batch").get(
            pk=campaign_id
        )
        together.wait()
        return found

    campaign, by = submitted(), make_operator()
    monkeypatch.setattr(review, "locked", read_only)

    answers = approve_together(campaign, [by, by])

    monkeypatch.setattr(review, "locked", locked)
    assert answers == [False, False]  # both believe to be the first; nobody was told to ask a second colleague
    assert steps(campaign).count("AGREED") == 2


def test_what_was_submitted_anew_is_not_approved_as_it_was_seen_before():
    campaign, colleague = submitted(), make_operator()
    seen = campaign.sheet_id
    review.withdraw(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    with pytest.raises(HasMoved):
        review.approve(campaign_id=campaign.pk, by=colleague, now=MORNING, seen=seen)

    assert Campaign.objects.get().state == CampaignState.SUBMITTED
    assert review.approve(campaign_id=campaign.pk, by=colleague, now=MORNING, seen=Campaign.objects.get().sheet_id)
