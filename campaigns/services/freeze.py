"""
The freeze: one statement fixes the audience, then chunks of it become coupons and messages.

Each chunk is one transaction that also marks its people, so a killed freeze goes on with the exact
next person, and several workers may freeze the same run at once.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F
from django.utils.translation import gettext as _

from campaigns.models import Run, RunAudience, RunState
from campaigns.queries import audience_sql, expiry_word, fingerprint_of, wave_plan
from campaigns.rules.waves import WavePlan
from campaigns.services.drafts import check, check_size, content_sha256
from campaigns.services.runs import fail
from campaigns.services.sheets import note_changes
from coupons.models import CouponBatch
from coupons.rules.code import group_code
from coupons.services.issue import Issued, Receiver, issue_to
from delivery.models import Dispatch
from delivery.rules.routing import lot_carrier
from delivery.services import dispatches
from foundation.db import execute, fetch_dicts, load_sql
from foundation.errors import DomainError
from members.services.erase import hold_off_erasing
from members.services.preference import links_for
from templates_sms.rules.merge_fields import fields_in

log = logging.getLogger(__name__)

CHUNK_PEOPLE = 5_000


@dataclass(frozen=True, slots=True)
class Picked:
    """One person of a chunk, as they are now; `ordinal` is the how-manieth coupon of the batch comes next."""

    id: int
    member_id: int
    name: str
    phone_hash: UUID
    phone_tail: str
    carrier: str
    home_store_id: int | None
    city: str
    ordinal: int
    exclusion: str


def freeze_open(*, now: datetime) -> None:
    """Freeze every run that was fired or whose freeze was left behind; may run in several workers at once."""
    for run_id in (
        Run.objects.filter(state__in=[RunState.FIRED, RunState.FREEZING]).order_by("id").values_list("id", flat=True)
    ):
        try:
            freeze(run_id=run_id, now=now)
        except Exception:  # one run's fault must not keep the others from starting; it is tried again at the next ring
            log.exception("freeze_failed", extra={"run_id": run_id})


def freeze(*, run_id: int, now: datetime) -> None:
    """
    Freeze one run to its end and release it to the pump; a run that can't be sent ends FAILED with its reason.

    A repeat, or another worker beside it, makes nobody's message twice.
    """
    try:
        fix_audience(run_id=run_id, now=now)
        plan = wave_plan(run=_load(run_id))
        while freeze_chunk(run_id=run_id, plan=plan):
            pass
        if release(run_id=run_id, now=now):
            note_changes(run_id=run_id)
    except DomainError as refusal:
        _keep_exclusions(run_id)
        fail(run_id=run_id, reason=str(refusal), now=now)


def _load(run_id: int) -> Run:
    return Run.objects.select_related(
        "campaign__segment", "campaign__template_version", "campaign__coupon_terms__batch"
    ).get(pk=run_id)


ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%(source)s, 0))"


@transaction.atomic
def fix_audience(*, run_id: int, now: datetime) -> None:
    """
    Write the audience of a fired run in one statement, with everybody's first reason to be left out.

    Raises DomainError when the campaign is no longer what was approved.
    """
    # Not the run's row is locked: for a million this takes a minute, in which a click on "stop" must not wait.
    execute(ONE_AT_A_TIME, {"source": f"campaigns.fix_audience:{run_id}"})
    run = _load(run_id)
    if run.state != RunState.FIRED:
        return
    campaign = run.campaign
    if content_sha256(campaign) != campaign.approved_sha256:
        raise DomainError(_("The campaign is not what was approved."))
    check(campaign)
    sql, params = audience_sql(campaign=campaign, now=now)
    matched = execute(
        "INSERT INTO campaigns_runaudience (run_id, member_id, variant, exclusion, is_frozen)"
        f" SELECT %(run_id)s, member_id, 'A', exclusion, false FROM ({sql}) a ORDER BY member_id",
        {**params, "run_id": run_id},
    )
    planned = RunAudience.objects.filter(run=run, exclusion="").count()
    check_size(campaign, planned)
    dispatch = dispatches.open_dispatch(
        source=run.source, tier=campaign.template_version.tier, not_before=run.occurrence_at,
        expires_at=run.occurrence_at + timedelta(hours=campaign.valid_hours), now=now,
        window=(campaign.window_from_minute, campaign.window_until_minute), cap_policy=campaign.cap_policy,
        day_rule=campaign.day_rule,
    )  # fmt: skip
    facts = {"dispatch_id": dispatch.pk, "matched_count": matched, "planned_count": planned}
    if not Run.objects.filter(pk=run_id, state=RunState.FIRED).update(state=RunState.FREEZING, **facts):
        transaction.set_rollback(True)  # paused or stopped meanwhile


@transaction.atomic
def freeze_chunk(*, run_id: int, plan: WavePlan) -> int:
    """
    Write coupons and messages of the next people; returns how many, 0 when nobody is left to this worker.

    `plan` says when each person's wave begins; it is the same whoever reads it and whenever.
    """
    hold_off_erasing()
    run = _load(run_id)
    if run.state != RunState.FREEZING:
        return 0
    dispatch = Dispatch.objects.get(source=run.source)
    picked = _pick(run, dispatch)
    leaving_out = [one for one in picked if one.exclusion]
    if leaving_out:
        _leave_out(run, leaving_out)
    people = [one for one in picked if not one.exclusion]
    if people:
        _write(run, dispatch, people, plan)
        sql = "UPDATE campaigns_runaudience SET is_frozen = true WHERE id = ANY(%(ids)s)"
        execute(sql, {"ids": [one.id for one in people]})
    return len(picked)


def _pick(run: Run, dispatch: Dispatch) -> list[Picked]:
    """
    The next people of the run. Somebody may have lost their phone since the audience was fixed, taken one that
    is in the run already, or been given the coupon by another run: everybody who issues of a batch locks it
    first, so that here is seen what they gave.
    """
    terms = run.campaign.coupon_terms
    batch = CouponBatch.objects.select_for_update().get(pk=terms.batch_id) if terms is not None else None
    params = {
        "run_id": run.pk, "month": dispatch.month, "dispatch_id": dispatch.pk, "limit": CHUNK_PEOPLE,
        "batch_id": batch.pk if batch else None, "member_limit": batch.per_member_limit if batch else 0,
    }  # fmt: skip
    return [Picked(**row) for row in fetch_dicts(load_sql("campaigns", "freeze_next"), params)]


def _leave_out(run: Run, people: Sequence[Picked]) -> None:
    for reason in {one.exclusion for one in people}:
        ids = [one.id for one in people if one.exclusion == reason]
        RunAudience.objects.filter(pk__in=ids).update(exclusion=reason)
    Run.objects.filter(pk=run.pk).update(planned_count=F("planned_count") - len(people))


def _write(run: Run, dispatch: Dispatch, people: Sequence[Picked], plan: WavePlan) -> None:
    """Coupons and messages of people who are still to receive them."""
    campaign = run.campaign
    coupons: list[Issued] = []
    if campaign.coupon_terms is not None:
        receivers = [Receiver(one.member_id, one.phone_tail, one.ordinal) for one in people]
        coupons = issue_to(
            terms=campaign.coupon_terms, receivers=receivers, source=run.source, issued_at=run.occurrence_at
        )
    links: dict[UUID, str] = {}
    if "preference_link" in fields_in(campaign.template_version.body):
        links = links_for(phone_hashes=[one.phone_hash for one in people])
    gifts: Sequence[Issued | None] = coupons or [None] * len(people)
    expires = expiry_word(coupons[0].valid_until) if coupons else ""
    rows = [
        {
            "member_id": one.member_id, "carrier": lot_carrier(one.carrier), "sender_ref": gift.id if gift else None,
            "params": _values(one, gift, expires, links), "not_before": _begin(plan, one),
        }
        for one, gift in zip(people, gifts, strict=True)
    ]  # fmt: skip
    facts = {
        "people": json.dumps(rows), "template_version_id": campaign.template_version_id,
        "fingerprint": fingerprint_of(campaign),
    }  # fmt: skip
    dispatches.add_selected(dispatch=dispatch, people=load_sql("campaigns", "freeze_people"), params=facts)


def _values(one: Picked, coupon: Issued | None, expires: str, links: dict[UUID, str]) -> dict[str, str]:
    """What the text's merge fields become for one person."""
    values = {"name": one.name}
    if coupon is not None:
        values["coupon_code"] = group_code(coupon.code)
        values["coupon_link"] = f"{settings.PUBLIC_URL}/c/{coupon.link_token}"
        values["expires"] = expires
    if one.phone_hash in links:
        values["preference_link"] = f"{settings.PUBLIC_URL}/p/{links[one.phone_hash]}"
    return values


def _begin(plan: WavePlan, one: Picked) -> str | None:
    begins_at = plan.not_before(member_id=one.member_id, store_id=one.home_store_id, city=one.city)
    return begins_at.isoformat() if begins_at is not None else None


@transaction.atomic
def release(*, run_id: int, now: datetime) -> bool:
    """
    Open the dispatch once everybody's message is written; the last worker to come does it. Whether this one did.

    Raises DomainError when the run has nobody to write to.
    """
    if RunAudience.objects.filter(run_id=run_id, exclusion="", is_frozen=False).exists():
        return False
    freezing = Run.objects.filter(pk=run_id, state=RunState.FREEZING)
    if freezing.filter(planned_count=0).exists():
        raise DomainError(_("Nobody would receive it."))
    # Before the run's row is locked: for a million this takes seconds, in which a click on "stop" must not wait.
    execute(load_sql("campaigns", "keep_places"), {"run_id": run_id})
    if not freezing.update(state=RunState.SENDING, released_at=now):
        return False
    _keep_exclusions(run_id)
    run = Run.objects.get(pk=run_id)
    assert run.dispatch_id is not None
    dispatches.release(dispatch_id=run.dispatch_id)
    return True


def _keep_exclusions(run_id: int) -> None:
    """Count who was left out and why on the run itself, which outlives its audience."""
    left_out = RunAudience.objects.filter(run_id=run_id).exclude(exclusion="").values_list("exclusion")
    counts = dict(left_out.annotate(people=Count("pk")))
    Run.objects.filter(pk=run_id).update(exclusions=counts)
