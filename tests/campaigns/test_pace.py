"""Waves and days: what is refused, what the preflight sheet tells, what a run's plan says."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Run
from campaigns.queries import examine, preflight, wave_plan, wave_ranks
from campaigns.services import drafts, freeze, review, runs
from delivery.models import CalendarDay, Channel
from members.models import Member
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_store,
    make_terms,
    make_version,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MORNING = NOON - 3 * HOUR
# 20 November 2026 is a Friday.
SATURDAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def three_stores():
    """Two members in the second store by code, one in the first, one in none; cities the other way round."""
    make_channel()
    second, first = make_store("S2"), make_store("S1")
    for number, (store, city) in enumerate([(second, "上海"), (second, "上海"), (first, "杭州"), (None, "")]):
        make_member(number, home_store=store, city=city)


def draft(**facts) -> Campaign:
    return make_campaign(is_approved=False, **facts)


def fixed_run(**facts) -> Run:
    """A run whose audience is fixed."""
    make_campaign(**facts)
    (run_id,) = runs.fire_due(now=NOON)
    freeze.fix_audience(run_id=run_id, now=NOON)
    return Run.objects.select_related("campaign").get(pk=run_id)


@pytest.mark.parametrize(
    "facts",
    [
        {"wave_kind": "SHARE", "wave_count": 1, "wave_minutes": 30},
        {"wave_kind": "SPREAD", "wave_count": 1, "wave_minutes": 30},
        {"wave_kind": "STORE", "wave_minutes": 0},
        {"wave_kind": "SHARE", "wave_count": 0, "wave_minutes": 30},
        {"wave_kind": "SHARE", "wave_count": 101, "wave_minutes": 1},
        {"wave_kind": "SHARE", "wave_count": 2, "wave_minutes": 1441},
        {"wave_kind": "SHARE", "wave_count": 3, "wave_minutes": 60, "valid_hours": 2},
        {"late_minutes": 0},
        {"repeat": "DAILY", "repeat_until": date(2026, 11, 20)},
        {"repeat": "WEEKLY", "repeat_until": date(2026, 11, 26)},
    ],
)
def test_waves_and_repeats_that_make_no_sense_are_refused(facts):
    with pytest.raises(drafts.CampaignRefused):
        draft(**facts)

    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"wave_kind": "SHARE", "wave_count": 2, "wave_minutes": 119, "valid_hours": 2},
        {"wave_kind": "SPREAD", "wave_count": 2, "wave_minutes": 60, "valid_hours": 2},
        {"wave_kind": "STORE", "wave_minutes": 1440},
        {"repeat": "WEEKLY", "repeat_until": date(2026, 11, 27)},
        {"repeat": "ONCE", "repeat_until": date(2026, 1, 1)},
    ],
)
def test_waves_and_repeats_up_to_their_limits_are_taken(facts):
    assert draft(**facts).state == "DRAFT"


@pytest.mark.parametrize(
    ("until", "is_taken"), [(None, False), (date(2026, 11, 25), False), (date(2026, 11, 24), True)]
)
def test_a_series_ends_before_its_coupon_does(until, is_taken):
    terms = make_terms(valid_days=None, valid_from=NOON, valid_until=NOON + timedelta(days=5))
    facts = {"version": make_version("点{coupon_link}"), "terms": terms, "repeat": "DAILY", "repeat_until": until}

    if is_taken:
        assert draft(**facts).repeat == "DAILY"
    else:
        with pytest.raises(drafts.CampaignRefused):
            draft(**facts)


def test_what_was_approved_before_there_was_pace_stays_approved_and_each_new_choice_counts():
    campaign = make_campaign()
    plain = drafts.content_sha256(campaign)
    chosen = {
        "day_rule": "WORKDAYS", "repeat": "DAILY", "repeat_until": SATURDAY, "late_policy": "ASK", "late_minutes": 5,
        "wave_kind": "SHARE", "wave_count": 3, "wave_minutes": 10,
    }  # fmt: skip

    prints = set()
    for name, value in chosen.items():
        setattr(campaign, name, value)
        prints.add(drafts.content_sha256(campaign))
        setattr(campaign, name, getattr(Campaign(), name))

    assert set(chosen) == set(drafts.LATER_FIELDS)
    assert len(prints - {plain}) == len(chosen)
    assert drafts.content_sha256(campaign) == plain


def test_stores_are_ranked_by_code_and_cities_by_name_and_none_comes_last():
    by_code = dict(Member.objects.values_list("home_store__code", "home_store_id"))

    assert wave_ranks(run=fixed_run(wave_kind="STORE", wave_minutes=30)) == {
        by_code["S1"]: 0, by_code["S2"]: 1, None: 2,
    }  # fmt: skip
    assert wave_ranks(run=fixed_run(wave_kind="REGION", wave_minutes=30)) == {"上海": 0, "杭州": 1, None: 2}
    assert wave_ranks(run=fixed_run(wave_kind="SHARE", wave_count=2, wave_minutes=30)) == {}


def test_who_is_left_out_makes_no_wave():
    make_member(9, home_store=make_store("S0"), consent=None)

    assert sorted(wave_ranks(run=fixed_run(wave_kind="STORE", wave_minutes=30)).values()) == [0, 1, 2]


def test_a_plan_counts_from_the_first_hour_that_window_and_days_allow():
    CalendarDay.objects.create(day=date(2026, 11, 20), kind="BLACKOUT", name="x")

    plan = wave_plan(run=fixed_run(wave_kind="STORE", wave_minutes=30, window_from_minute=600))

    assert plan.begins_at == datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert plan.room == NOON + 48 * HOUR - plan.begins_at
    assert plan.not_before(member_id=1, store_id=None, city="") == plan.begins_at + HOUR


def test_the_sheet_tells_the_last_wave_and_counts_stores():
    found = examine(campaign=draft(wave_kind="STORE", wave_minutes=45), now=MORNING)

    sheet = found.sheet
    assert (sheet.wave_count, sheet.first_at) == (3, NOON)
    assert sheet.last_at == NOON + timedelta(minutes=90, seconds=1)
    assert (found.blockers, found.warnings) == ([], [])


def test_a_last_wave_at_night_leaves_the_next_morning():
    sheet = preflight(campaign=draft(wave_kind="SHARE", wave_count=2, wave_minutes=600), now=MORNING)

    assert sheet.last_at == NOON + timedelta(hours=20, seconds=1)  # 8 o'clock


def test_more_stores_than_fit_into_the_validity_block():
    campaign = draft(wave_kind="STORE", wave_minutes=60, valid_hours=2)

    assert len(examine(campaign=campaign, now=MORNING).blockers) == 1
    with pytest.raises(drafts.CampaignRefused):
        review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)


def test_closed_days_move_the_first_message_and_block_when_none_is_left():
    weekend = {"day_rule": "WORKDAYS", "scheduled_at": NOON + timedelta(days=1)}

    waiting = examine(campaign=draft(**weekend), now=MORNING)
    hopeless = examine(campaign=draft(**weekend, valid_hours=12), now=MORNING)

    assert waiting.sheet.first_at == NOON + timedelta(days=3) - 4 * HOUR  # Monday, 8 o'clock
    assert (waiting.blockers, len(hopeless.blockers)) == ([], 1)


@pytest.mark.parametrize(
    ("day", "rule", "is_warned"),
    [(20, "WORKDAYS", False), (30, "WORKDAYS", True), (30, "ANY", False), (29, "RESTDAYS", False)],
)
def test_a_run_that_reaches_into_a_year_without_confirmed_holidays_warns(day, rule, is_warned):
    campaign = draft(day_rule=rule, scheduled_at=datetime(2026, 12, day, 4, tzinfo=UTC), valid_hours=48)

    found = examine(campaign=campaign, now=MORNING)

    sentence = _("The holidays of %(year)s are not confirmed yet.") % {"year": 2027}
    assert [str(one) for one in found.warnings] == ([sentence] if is_warned else [])


def test_sending_that_takes_longer_than_the_validity_warns():
    Channel.objects.update(parts_per_second=1)
    for number in range(10, 20):
        make_member(number)
    evening = NOON + 9 * HOUR - timedelta(seconds=5)

    found = examine(campaign=draft(scheduled_at=evening, valid_hours=10), now=MORNING)

    assert (len(found.warnings), found.blockers) == (1, [])


def test_a_daily_series_with_the_same_text_warns():
    assert len(examine(campaign=draft(repeat="DAILY"), now=MORNING).warnings) == 1
    assert examine(campaign=draft(repeat="WEEKLY"), now=MORNING).warnings == []


def test_the_sheet_of_a_series_speaks_of_its_next_occurrence():
    campaign = make_campaign(repeat="WEEKLY")
    runs.fire_due(now=NOON)
    campaign.refresh_from_db()

    assert preflight(campaign=campaign, now=NOON + HOUR).first_at == NOON + timedelta(days=7)
