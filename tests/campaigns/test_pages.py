"""The pages of a campaign: the form's fold, a series and its occurrences, a late run that asks."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaigns.models import Campaign, Run, RunState
from campaigns.services import freeze, runs
from console.workplaces.schedule_words import delay_words, schedule_words
from foundation import clock
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator, make_segment, make_version

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    make_member(1)
    make_channel()
    monkeypatch.setattr(clock, "now", lambda: NOON + 2 * HOUR)


@pytest.fixture
def client() -> Client:
    """A browser of somebody who may do everything."""
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(make_operator(is_staff=True, is_superuser=True))
    return browser


def reader() -> Client:
    """A browser of somebody who may only look at campaigns."""
    operator = make_operator(is_staff=True)
    operator.user_permissions.set(Permission.objects.filter(codename__in=["see_every_store", "view_campaign"]))
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(operator)
    return browser


def basics(**more) -> dict:
    version = make_version()
    return {
        "name": "周五", "segment": make_segment().pk, "version": version.pk, "terms": "",
        "scheduled_at": "2026-11-30T12:00:00", "window_from": "08:00", "window_until": "21:00", "valid_hours": 48,
        "cap_policy": "DEFER",
    } | more  # fmt: skip


def text_of(answer) -> str:
    return answer.content.decode()


def test_a_campaign_without_a_word_in_the_fold_is_a_plain_one(client):
    client.post("/console/campaigns/new/", basics())

    row = Campaign.objects.get()
    plain = Campaign()
    fields = ("repeat", "repeat_until", "day_rule", "wave_kind", "wave_count", "wave_minutes", "late_policy",
              "late_minutes")  # fmt: skip
    assert [getattr(row, name) for name in fields] == [getattr(plain, name) for name in fields]
    assert '<details class="k-more"><summary>' in text_of(client.get(f"/console/campaigns/{row.pk}/edit/"))


@pytest.mark.parametrize(("start", "end"), [("07:59", "21:00"), ("08:00", "22:01"), ("23:00", "23:30")])
def test_a_window_in_the_night_is_refused_and_changes_nothing(client, start, end):
    answer = client.post("/console/campaigns/new/", basics(window_from=start, window_until=end))

    assert "Marketing may be sent from 08:00 to 22:00 only." in text_of(answer)
    assert not Campaign.objects.exists()


def test_what_the_fold_says_is_kept_shown_in_words_and_comes_back_in_the_open_fold(client):
    chosen = {
        "repeat": "MONTHLY", "repeat_until": "2027-12-31", "day_rule": "WORKDAYS", "wave_kind": "STORE",
        "wave_count": "4", "wave_minutes": "30", "late_policy": "SKIP", "late_minutes": "90",
    }  # fmt: skip
    client.post("/console/campaigns/new/", basics(**chosen))

    row = Campaign.objects.get()
    assert (row.repeat, row.repeat_until, row.day_rule) == ("MONTHLY", date(2027, 12, 31), "WORKDAYS")
    assert (row.wave_kind, row.wave_count, row.wave_minutes) == ("STORE", 1, 30)
    assert (row.late_policy, row.late_minutes) == ("SKIP", 90)
    assert schedule_words(row) == [
        "every month until 2027-12-31", "store by store, 30 minutes apart", "working days only",
        "skipped when more than 90 minutes late",
    ]  # fmt: skip
    page = text_of(client.get(f"/console/campaigns/{row.pk}/"))
    assert "every month until 2027-12-31; store by store, 30 minutes apart; working days only;" in page
    assert '<details class="k-more" open>' in text_of(client.get(f"/console/campaigns/{row.pk}/edit/"))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_change_begins_with_the_campaign_s_own_times_in_every_language(client, language):
    campaign = make_campaign(repeat="DAILY", repeat_until=date(2026, 12, 24))

    page = text_of(client.get(f"/console/campaigns/{campaign.pk}/edit/", headers={"accept-language": language}))

    assert 'value="2026-11-20T12:00:00"' in page and 'value="2026-12-24"' in page


@pytest.mark.parametrize(
    "wrong", [{"wave_count": "0"}, {"wave_minutes": "1441"}, {"late_minutes": "0"}, {"repeat_until": "x"}]
)
def test_a_mistake_in_the_fold_opens_it(client, wrong):
    answer = client.post("/console/campaigns/new/", basics(**wrong))

    assert '<details class="k-more" open>' in text_of(answer) and "errorlist" in text_of(answer)
    assert not Campaign.objects.exists()


def test_what_does_not_fit_is_refused_with_a_sentence(client):
    answer = client.post("/console/campaigns/new/", basics(wave_kind="SHARE", wave_count="50", wave_minutes="60"))

    assert "The last wave would begin after the campaign is given up." in text_of(answer)
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, []),
        ({"repeat": "DAILY"}, ["every day until somebody ends it"]),
        ({"wave_kind": "SPREAD", "wave_count": 4, "wave_minutes": 30}, ["evenly over 120 minutes"]),
        ({"wave_kind": "SHARE", "wave_count": 4, "wave_minutes": 30}, ["in 4 equal waves, 30 minutes apart"]),
        ({"wave_kind": "REGION", "wave_minutes": 5}, ["city by city, 5 minutes apart"]),
        ({"late_policy": "ASK", "late_minutes": 5}, ["asks when more than 5 minutes late"]),
    ],
)
def test_choices_in_words(facts, words):
    assert schedule_words(Campaign(**facts)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (35, "35 s"), (60, "1 min"), (3_599, "59 min"), (7_260, "2 h 1 min"), (90_000, "1 d 1 h")],
)
def test_delays_in_words(seconds, words):
    assert delay_words(seconds) == words


def test_the_page_of_a_series_lists_its_occurrences_with_delay_and_reason(client):
    campaign = make_campaign(repeat="DAILY", late_policy="SKIP")
    runs.fire_due(now=NOON + DAY + 2 * HOUR)

    page = text_of(client.get(f"/console/campaigns/{campaign.pk}/"))

    assert "2026-11-20 12:00" in page and "2026-11-21 12:00" in page
    assert "Skipped: more than 60 minutes late." in page and "2 h 0 min" in page
    assert "Next occurrence: 2026-11-22 12:00:00" in page and "End the series" in page


def test_older_occurrences_are_on_further_pages_and_one_can_be_looked_at(client):
    campaign = make_campaign(repeat="DAILY")
    runs.fire_due(now=NOON + 60 * DAY)
    oldest = campaign.runs.order_by("occurrence_at").first()

    first, second = (text_of(client.get(f"/console/campaigns/{campaign.pk}/?page={number}")) for number in (1, 2))

    assert (first.count('href="?run='), second.count('href="?run=')) == (50, 11)
    assert oldest.reason in text_of(client.get(f"/console/campaigns/{campaign.pk}/?run={oldest.pk}"))
    other = make_campaign()
    assert client.get(f"/console/campaigns/{other.pk}/?run={oldest.pk}").status_code == 404
    assert client.get(f"/console/campaigns/{campaign.pk}/?run=x").status_code == 200


def test_a_page_loads_again_only_for_a_run_that_it_lacks(client):
    campaign = make_campaign(repeat="DAILY")
    ask = f"/console/campaigns/{campaign.pk}/started/"
    assert client.get(f"{ask}?seen=0").status_code == 204

    (run_id,) = runs.fire_due(now=NOON)

    assert client.get(f"{ask}?seen=0").headers["HX-Refresh"] == "true"
    assert client.get(f"{ask}?seen={run_id}").status_code == 204


def test_a_late_run_waits_with_two_buttons_and_one_of_them_starts_it(client):
    campaign = make_campaign(late_policy="ASK")
    (run_id,) = runs.fire_due(now=NOON + 2 * HOUR)

    page = text_of(client.get("/console/waiting/"))
    assert campaign.name in page and f"/runs/{run_id}/send-late/" in page and f"/runs/{run_id}/skip-late/" in page
    assert f"/runs/{run_id}/send-late/" in text_of(client.get(f"/console/campaigns/{campaign.pk}/"))
    answer = client.post(f"/console/runs/{run_id}/send-late/", {"back": "waiting"})

    assert answer.headers["Location"] == "/console/waiting/"
    assert Run.objects.get().state == RunState.FIRED
    assert f"/runs/{run_id}/send-late/" not in text_of(client.get("/console/waiting/"))


def test_a_late_run_is_skipped_by_the_other_button_and_a_series_ended_by_its_own(client):
    campaign = make_campaign(late_policy="ASK", repeat="DAILY")
    (run_id,) = runs.fire_due(now=NOON + 2 * HOUR)

    client.post(f"/console/runs/{run_id}/skip-late/")
    client.post(f"/console/campaigns/{campaign.pk}/end/")

    campaign.refresh_from_db()
    assert (Run.objects.get().state, campaign.state, campaign.next_at) == (RunState.SKIPPED, "STOPPED", None)


def test_who_may_only_look_decides_nothing():
    campaign, browser = make_campaign(late_policy="ASK", repeat="DAILY"), reader()
    (run_id,) = runs.fire_due(now=NOON + 2 * HOUR)
    addresses = [f"runs/{run_id}/send-late", f"runs/{run_id}/skip-late", f"campaigns/{campaign.pk}/end"]

    answers = [browser.post(f"/console/{address}/").status_code for address in addresses]

    assert answers == [403, 403, 403]
    assert Run.objects.get().state == RunState.ASKING
    assert "send-late" not in text_of(browser.get(f"/console/campaigns/{campaign.pk}/"))
    assert "send-late" not in text_of(browser.get("/console/waiting/"))


def test_a_series_stands_in_the_list_by_its_next_occurrence(client):
    series = make_campaign(name="每周", repeat="WEEKLY")
    make_campaign(name="明天", scheduled_at=NOON + DAY)
    runs.fire_due(now=NOON)

    page = text_of(client.get("/console/campaigns/"))

    assert page.index(series.name) < page.index("明天")
    assert "11-27 12:00" in page and "every week" in page


def post(browser, campaign, action, **data):
    return browser.post(f"/console/campaigns/{campaign.pk}/{action}/", data)


def test_a_campaign_is_taken_back_and_copied_from_its_page(client):
    campaign = make_campaign(is_approved=False, scheduled_at=NOON + DAY)
    post(client, campaign, "submit")
    assert "Take back" in text_of(client.get(f"/console/campaigns/{campaign.pk}/"))

    post(client, campaign, "withdraw")
    answer = post(client, campaign, "clone")

    campaign.refresh_from_db()
    copy = Campaign.objects.get(name=f"{campaign.name} (2)")
    assert (campaign.state, copy.state, answer["Location"]) == ("DRAFT", "DRAFT", f"/console/campaigns/{copy.pk}/")
    assert text_of(client.get(answer["Location"])).count("Submit for approval") == 1


@pytest.mark.parametrize("action", ["withdraw", "clone"])
def test_who_may_only_look_can_neither_take_back_nor_copy(action):
    campaign = make_campaign(scheduled_at=NOON + DAY)

    assert post(reader(), campaign, action).status_code == 403

    assert Campaign.objects.count() == 1


def test_the_first_of_two_approvers_sees_that_a_second_one_is_needed(client, settings):
    settings.SECOND_APPROVAL_PEOPLE = 1
    make_member(2)
    campaign = make_campaign(is_approved=False, scheduled_at=NOON + DAY)
    post(client, campaign, "submit")
    assert campaign.name in text_of(client.get("/console/waiting/"))

    post(client, campaign, "approve")

    shown = text_of(client.get(f"/console/campaigns/{campaign.pk}/"))
    assert "two colleagues have to approve" in shown and "First approval" in shown
    assert "/approve/" not in shown
    assert campaign.name not in text_of(client.get("/console/waiting/"))


def test_after_the_start_the_page_tells_what_changed_since_submission(client):
    campaign = make_campaign(scheduled_at=NOON + HOUR)
    make_member(2, consent="OPTED_OUT")
    runs.fire_due(now=NOON + HOUR)
    run = Run.objects.get()
    freeze.freeze(run_id=run.pk, now=NOON + HOUR)

    shown = text_of(client.get(f"/console/campaigns/{campaign.pk}/?run={run.pk}"))

    assert "Preflight sheet: submitted and real" in shown
    assert "1 newly in the segment" in shown and "1 from “outside the segment”" in shown


def test_a_sheet_says_what_blocks_what_to_know_and_what_is_in_order(client):
    twin = make_campaign(scheduled_at=NOON + DAY)
    campaign = make_campaign(is_approved=False, scheduled_at=NOON + DAY)

    shown = text_of(client.get(f"/console/campaigns/{campaign.pk}/"))

    assert "Ready to submit, 1 thing to know" in shown
    assert f"{twin.name} 1" in shown and "Other campaigns to the same people" in shown
    assert "no risky words" in shown and "no blackout day" in shown
