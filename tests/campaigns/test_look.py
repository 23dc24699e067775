"""A campaign's page keeps its newest preflight sheet, says how old it is, and lets nobody decide by an old one."""

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.models import Campaign, CampaignState, Sheet
from campaigns.queries import kept_look, preflight
from campaigns.services import runs, sheets
from foundation import clock
from members.services.segments import save_segment
from tests.factories import (
    EVERYBODY,
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_segment,
    make_terms,
    make_version,
)

pytestmark = pytest.mark.django_db

NEXT_NOON = NOON + timedelta(days=1)
MORNING = NEXT_NOON - timedelta(hours=3)
MINUTES = timedelta(minutes=1)


@pytest.fixture
def client(monkeypatch) -> Client:
    """A browser of somebody who may do everything, at the hour of `at`."""
    monkeypatch.setattr(clock, "now", lambda: MORNING)
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(make_operator(is_staff=True, is_superuser=True))
    return browser


def draft(**facts) -> Campaign:
    return make_campaign(now=MORNING, scheduled_at=NEXT_NOON, is_approved=False, **facts)


def again(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("look", "segment").get(pk=campaign.pk)


def page_of(client: Client, campaign: Campaign) -> str:
    return client.get(f"/console/campaigns/{campaign.pk}/").content.decode()


def test_a_kept_sheet_is_the_sheet_that_was_made():
    make_channel()
    for number, name in enumerate(["王女士", "欧阳先生", ""]):
        make_member(number, name=name)
    make_member(7, consent="NONE")
    terms, version = make_terms(), make_version("{name|会员}您好，{coupon_code}到{expires}，{coupon_link}" + "好" * 30)
    make_campaign(now=MORNING, scheduled_at=NEXT_NOON, name="别的")
    campaign = draft(terms=terms, version=version, repeat="DAILY", wave_kind="SHARE", wave_count=2, wave_minutes=5)
    made = preflight(campaign=campaign, now=MORNING)

    sheets.look_anew(campaign=campaign, now=MORNING)

    look = kept_look(campaign=again(campaign))
    assert look is not None and look.made_at == MORNING
    assert look.sheet == made and made.neighbours and made.exclusions and made.by_parts


def test_the_page_asks_the_ledgers_once_until_something_changes(client):
    make_channel()
    make_member(1)
    campaign = draft()
    first = page_of(client, campaign)
    make_member(2)
    assert first.count("<small>people</small>") == page_of(client, campaign).count("<small>people</small>")
    assert again(campaign).look.facts["matched"] == 1

    client.post(f"/console/campaigns/{campaign.pk}/recount/")
    assert again(campaign).look.facts["matched"] == 2
    assert Sheet.objects.count() == 1  # the old look is forgotten


@pytest.mark.parametrize("changed", ["campaign", "segment", "occurrence"])
def test_a_change_makes_a_new_look(client, changed):
    make_channel()
    make_member(1)
    campaign = draft(segment=make_segment(EVERYBODY))
    sheets.look_anew(campaign=campaign, now=MORNING)
    assert kept_look(campaign=again(campaign)) is not None
    if changed == "segment":
        by, segment = make_operator(), campaign.segment
        later = MORNING + MINUTES
        save_segment(segment_id=segment.pk, name=segment.name, rule=EVERYBODY, by=by, now=later)
    elif changed == "campaign":
        Campaign.objects.update(changed_at=MORNING + MINUTES)
    else:
        Campaign.objects.update(next_at=NEXT_NOON + 60 * MINUTES)

    assert kept_look(campaign=again(campaign)) is None


def test_nobody_submits_by_a_sheet_older_than_half_an_hour(client, monkeypatch):
    make_channel()
    make_member(1)
    campaign = draft()
    page_of(client, campaign)
    monkeypatch.setattr(clock, "now", lambda: MORNING + 30 * MINUTES)
    assert "count it again" not in page_of(client, campaign)
    monkeypatch.setattr(clock, "now", lambda: MORNING + 31 * MINUTES)

    page = page_of(client, campaign)
    client.post(f"/console/campaigns/{campaign.pk}/submit/")

    assert "The sheet is older than 30 minutes: count it again" in page
    assert again(campaign).state == CampaignState.DRAFT
    client.post(f"/console/campaigns/{campaign.pk}/recount/")
    client.post(f"/console/campaigns/{campaign.pk}/submit/")
    assert again(campaign).state == CampaignState.SUBMITTED


def test_a_sheet_that_was_approved_stays_when_looks_come_and_go(client):
    make_channel()
    make_member(1)
    campaign = make_campaign(now=MORNING, scheduled_at=NEXT_NOON)
    for _time in range(3):
        client.post(f"/console/campaigns/{campaign.pk}/recount/")

    row = again(campaign)
    assert row.sheet_id != row.look_id and row.sheet.lines.count() == 1
    assert set(Sheet.objects.values_list("pk", flat=True)) == {row.sheet_id, row.look_id}
    runs.fire_due(now=NEXT_NOON)
    assert row.runs.get().sheet_id == row.sheet_id
