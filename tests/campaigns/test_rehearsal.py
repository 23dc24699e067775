"""Rehearsals: the real freeze and pump on tables of their own, and nothing left behind."""

from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, transaction

from campaigns.services import rehearsal, runs
from console import permissions
from coupons.models import CouponBatch
from delivery.models import Channel
from foundation.db import execute, fetch_all, own_tables
from foundation.models import Job, JobState
from foundation.services import jobs
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator, make_terms, make_version

pytestmark = pytest.mark.usefixtures("committed")

HOUR_BEFORE = NOON - timedelta(hours=1)
PEOPLE = 300
BODY = "{name|会员}您好，送您券{coupon_code}，点{coupon_link}，退订{preference_link}"


def counts() -> dict[str, int]:
    """The number of rows of every table, but for jobs and audit."""
    tables = [one._meta.db_table for one in apps.get_models(include_auto_created=True)]
    kept = [one for one in tables if one not in ("foundation_job", "foundation_auditentry")]
    return {one: fetch_all(f"SELECT count(*) FROM public.{one}")[0][0] for one in kept}


def approved(people: int = PEOPLE, **facts):
    """An approved campaign to three hundred people, and one more without consent."""
    make_channel(parts_per_second=20, vendor="simulator", batch_size=50)
    for number in range(people):
        make_member(number)
    make_member(9_001, consent=None)
    return make_campaign(version=make_version(BODY), terms=make_terms(planned_count=1_000), **facts)


def rehearse(campaign, *, now: datetime = HOUR_BEFORE) -> Job:
    """The job of a rehearsal that was asked for and has run."""
    job = rehearsal.ask(campaign_id=campaign.pk, by=make_operator(), now=now)
    jobs.run_due(now=now)
    return Job.objects.get(pk=job.pk)


def test_a_rehearsal_tells_end_cost_and_results_and_leaves_nothing_behind():
    campaign = approved()
    make_operator()  # who asks
    before = counts()

    job = rehearse(campaign)

    assert (job.state, job.error) == (JobState.DONE, "")
    report = job.report
    assert (report["matched"], report["planned"], report["exclusions"]) == (PEOPLE + 1, PEOPLE, {"NO_CONSENT": 1})
    assert sum(report["states"].values()) == PEOPLE
    assert report["states"]["DELIVERED"] > PEOPLE // 2
    first, last = (datetime.fromisoformat(report[name]) for name in ("first_at", "last_at"))
    assert first >= NOON
    # At 20 parts a second, six hundred parts take half a minute; and no channel is faster than it may be.
    assert report["parts"] / 20 - 2 <= (last - first).total_seconds() <= report["parts"] / 20 + 60
    assert report["cost"] == (report["parts"] - 2 * report["states"].get("REFUSED", 0)) * 450  # two parts each
    assert counts() == before | {"foundation_operator": before["foundation_operator"] + 1}
    assert CouponBatch.objects.get().issued_count == 0
    campaign.refresh_from_db()
    assert campaign.state == "APPROVED"


def test_after_a_rehearsal_the_campaign_runs_as_if_there_had_been_none():
    campaign = approved()
    rehearse(campaign)

    assert len(runs.fire_due(now=NOON)) == 1


def test_a_run_that_reaches_the_end_of_its_window_ends_on_the_next_morning():
    late = NOON.replace(hour=12, minute=59)  # 20:59 in Shanghai
    campaign = approved(people=60, scheduled_at=late)
    Channel.objects.update(parts_per_second=1)  # not two parts for each of sixty people in the minute that is left

    report = rehearse(campaign).report

    assert datetime.fromisoformat(report["last_at"]).date() == late.date() + timedelta(days=1)
    assert report["states"].get("EXPIRED", 0) == 0


def test_a_campaign_whose_coupons_run_out_says_so():
    campaign = approved()
    CouponBatch.objects.update(planned_count=10)

    report = rehearse(campaign).report

    assert report["reason"]
    assert "states" not in report


def test_only_what_is_approved_is_rehearsed():
    draft = make_campaign(is_approved=False)

    with pytest.raises(rehearsal.NotApproved):
        rehearsal.ask(campaign_id=draft.pk, by=make_operator(), now=HOUR_BEFORE)

    assert not Job.objects.exists()


def test_a_rehearsal_that_is_stopped_ends_and_leaves_nothing():
    campaign = approved()
    job = rehearsal.ask(campaign_id=campaign.pk, by=make_operator(), now=HOUR_BEFORE)
    Job.objects.filter(pk=job.pk).update(cancel_requested=True)
    before = counts()

    jobs.run_due(now=HOUR_BEFORE)

    assert Job.objects.get().state == JobState.CANCELLED
    assert counts() == before


def test_a_table_that_was_forgotten_refuses_to_be_written():
    with pytest.raises(Exception, match="read-only"), own_tables({"coupons_coupon": None}):
        execute("DELETE FROM coupons_couponbatch")

    assert not connection.is_usable() or connection.connection is None


def test_own_tables_are_refused_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError), own_tables({"coupons_coupon": None}):
        pass


def test_the_campaign_page_asks_for_a_rehearsal_and_tells_its_result(client):
    campaign = approved()
    permissions.sync()
    operator = make_operator("approver", is_staff=True)
    operator.groups.add(Group.objects.get(name="approver"))
    client.force_login(operator)

    for _click in range(2):  # the second finds one on its way
        client.post(f"/console/campaigns/{campaign.pk}/rehearse/")
    assert Job.objects.count() == 1
    assert "hx-get" in client.get(f"/console/campaigns/{campaign.pk}/rehearsal/").content.decode()
    Job.objects.update(created_at=HOUR_BEFORE)
    jobs.run_due(now=HOUR_BEFORE)

    shown = client.get(f"/console/campaigns/{campaign.pk}/rehearsal/").content.decode()
    assert "hx-get" not in shown
    assert "300" in shown
