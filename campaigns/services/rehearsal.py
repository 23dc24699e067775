"""
The rehearsal: an approved campaign frozen and sent by the real code, in tables that only one connection sees.

The provider is the simulator in this process and the clock is virtual, so that a day passes in minutes.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.services import freeze
from delivery.adapters.simulator.scenario_files import load
from delivery.models import Dispatch, Message
from delivery.rules.window import month_of
from delivery.services.rehearsal import Played, Stage
from foundation.db import execute, fetch_value, own_tables
from foundation.errors import DomainError
from foundation.models import Job, Operator
from foundation.services import audit, jobs

KIND: Final = "campaigns.rehearsal"
SCENARIO: Final = "lively"
LOOK_SECONDS: Final = 2.0
CAP_REASONS: Final = ("CAP_DAY", "CAP_WEEK", "SAME_TEXT")
DEFERRED: Final = """
SELECT count(*) FROM delivery_message m JOIN rehearsal_plan p ON p.id = m.id WHERE m.not_before > p.not_before
"""

# What delivery reads besides the messages it writes.
FILLED: Final = {
    "delivery_channel": "true",
    "delivery_route": "true",
    "delivery_channelday": "true",
    "delivery_calendarday": "true",
    "delivery_receiptcode": "true",
    "members_phonegate": "true",
    "members_suppression": "true",
}
EMPTY: Final = (
    "campaigns_run", "campaigns_runaudience", "campaigns_runplace", "members_preferencelink", "foundation_outboxevent",
    "foundation_alert",
)  # fmt: skip


class NotApproved(DomainError):
    """Only what was approved can be rehearsed: anything else may still change."""

    code = "NOT_APPROVED"


class Stopped(Exception):
    """The person who waits for the rehearsal has gone, or its job was taken by another worker."""


@dataclass
class Rehearsed:
    """What the thread that plays tells the one that waits."""

    done_count: int = 0
    total_count: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    fault: Exception | None = None
    is_unwanted: bool = False


def ask(*, campaign_id: int, by: Operator, now: datetime) -> Job:
    """Queue a rehearsal of an approved campaign. Raises NotApproved."""
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.state not in (CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.FINISHED):
        raise NotApproved(_("Only an approved campaign can be rehearsed."))
    audit.record(action="campaign.rehearsed", subject=f"campaigns.campaign:{campaign_id}", by=by, now=now)
    title = _("Rehearsal of %(campaign)s") % {"campaign": campaign.name}
    return jobs.enqueue(kind=KIND, title=title[:120], params={"campaign_id": campaign_id}, by=by, now=now)


def run_job(*, job: Job, now: datetime) -> dict[str, Any]:
    """
    Play the campaign of a job and return what was seen; see `_report`. A repeat plays it anew.

    The thread that plays has a connection of its own, which ends with it: nothing is left behind.
    """
    seen = Rehearsed()
    player = threading.Thread(target=_play, args=(job.params["campaign_id"], now, seen), daemon=True)
    player.start()
    try:
        while player.is_alive():
            player.join(LOOK_SECONDS)
            jobs.report_progress(job=job, done_count=seen.done_count, total_count=seen.total_count, report={})
    finally:
        seen.is_unwanted = True
        player.join()
    if seen.fault is not None:
        raise seen.fault
    return seen.report


def _play(campaign_id: int, now: datetime, seen: Rehearsed) -> None:
    try:
        execute("SELECT delivery_ensure_partition(%(month)s)", {"month": month_of(_start(campaign_id, now))})
        execute("CREATE TEMPORARY SEQUENCE delivery_message_id_seq")
        execute("CREATE TEMPORARY TABLE rehearsal_plan (id bigint PRIMARY KEY, not_before timestamptz NOT NULL)")
        with own_tables(_copies(campaign_id)):
            seen.report = _rehearse(campaign_id, now, seen)
    except Stopped:
        pass
    except Exception as fault:  # told by the job's own thread, which writes the end of the job
        seen.fault = fault
    finally:
        connection.close()


def _copies(campaign_id: int) -> Mapping[str, str | None]:
    campaign = Campaign.objects.select_related("coupon_terms").get(pk=campaign_id)
    batch_id = campaign.coupon_terms.batch_id if campaign.coupon_terms else 0
    copies: dict[str, str | None] = {one._meta.db_table: None for one in apps.get_app_config("delivery").get_models()}
    copies |= dict.fromkeys(EMPTY) | FILLED
    return copies | {
        "campaigns_campaign": f"id = {campaign_id:d}",
        "coupons_couponbatch": f"id = {batch_id:d}",
        "coupons_coupon": f"batch_id = {batch_id:d}",
        "delivery_capentry": "at > now() - interval '8 days'",
    }


def _rehearse(campaign_id: int, now: datetime, seen: Rehearsed) -> dict[str, Any]:
    start = _start(campaign_id, now)
    run = Run.objects.create(campaign_id=campaign_id, occurrence_at=start, fired_at=start)
    Campaign.objects.filter(pk=campaign_id).update(state=CampaignState.RUNNING)
    freeze.freeze(run_id=run.pk, now=start)
    run.refresh_from_db()
    if run.state != RunState.SENDING:
        return {"reason": run.reason, **_audience(run)}
    seen.total_count = run.planned_count
    execute("INSERT INTO rehearsal_plan SELECT id, not_before FROM delivery_message")
    for table in ("delivery_message", "delivery_ready", "coupons_coupon"):
        execute(f"ANALYZE pg_temp.{table}")

    def beat(played: Played) -> None:
        seen.done_count = min(played.message_count, seen.total_count)
        if seen.is_unwanted:
            raise Stopped

    dispatch = Dispatch.objects.get(source=run.source)
    stage = Stage(start=start, scenario=load(SCENARIO), seed=f"rehearsal-{campaign_id}")
    return {"reason": "", **_audience(run), **_report(stage.play(dispatch=dispatch, beat=beat))}


def _start(campaign_id: int, now: datetime) -> datetime:
    campaign = Campaign.objects.get(pk=campaign_id)
    return max(campaign.next_at or campaign.scheduled_at, now)


def _audience(run: Run) -> dict[str, Any]:
    return {"matched": run.matched_count, "planned": run.planned_count, "exclusions": run.exclusions}


def _report(played: Played) -> dict[str, Any]:
    """When it begins and ends, what it costs in 1/10000 yuan, how long a notice waits at worst, who is left out."""
    sums = Message.objects.aggregate(
        cost=Sum("cost"), parts=Sum("parts"), capped=Count("id", filter=Q(state="EXCLUDED", reason__in=CAP_REASONS))
    )
    return {
        "first_at": played.first_at.isoformat() if played.first_at else None,
        "last_at": played.last_at.isoformat() if played.last_at else None,
        "cost": sums["cost"] or 0,
        "parts": sums["parts"] or 0,
        "worst_urgent_seconds": round(played.worst_urgent_seconds, 2),
        "capped": sums["capped"],
        "deferred": fetch_value(DEFERRED),
        "states": dict(Message.objects.values_list("state").annotate(n=Count("id"))),
    }
