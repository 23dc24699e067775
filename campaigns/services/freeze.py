"""
The freeze: one statement fixes the audience, then chunks of it become coupons and messages.

Each chunk is one transaction that also marks its people, so a killed freeze goes on with the exact
next person, and several workers may freeze the same run at once.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Max
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Run, RunAudience, RunState
from campaigns.queries import audience_sql, expiry_word, fingerprint_of
from campaigns.services.drafts import check, content_sha256
from campaigns.services.runs import fail
from coupons.models import Coupon, CouponBatch
from coupons.rules.code import group_code
from coupons.services.issue import Issued, Receiver, issue_to
from delivery.models import Dispatch, Message
from delivery.rules.routing import lot_carrier
from delivery.services import dispatches
from delivery.services.dispatches import NewMessage
from foundation.db import execute
from foundation.errors import DomainError
from members.models import Member
from members.services.preference import links_for
from templates_sms.rules.merge_fields import fields_in

log = logging.getLogger(__name__)

CHUNK_PEOPLE = 2_000


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
        while freeze_chunk(run_id=run_id):
            pass
        release(run_id=run_id, now=now)
    except DomainError as refusal:
        fail(run_id=run_id, reason=str(refusal), now=now)


def _load(run_id: int) -> Run:
    return Run.objects.select_related(
        "campaign__segment", "campaign__template_version", "campaign__coupon_terms__batch"
    ).get(pk=run_id)


@transaction.atomic
def fix_audience(*, run_id: int, now: datetime) -> None:
    """
    Write the audience of a fired run in one statement, with everybody's first reason to be left out.

    Raises DomainError when the campaign is no longer what was approved, or nobody would receive it.
    """
    if not Run.objects.filter(pk=run_id, state=RunState.FIRED).update(state=RunState.FREEZING):
        return
    run = _load(run_id)
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
    if planned == 0:
        raise DomainError(_("Nobody would receive it."))
    dispatch = dispatches.open_dispatch(
        source=run.source, tier=campaign.template_version.tier, not_before=run.occurrence_at,
        expires_at=run.occurrence_at + timedelta(hours=campaign.valid_hours), now=now,
        window=(campaign.window_from_minute, campaign.window_until_minute), cap_policy=campaign.cap_policy,
    )  # fmt: skip
    Run.objects.filter(pk=run_id).update(dispatch_id=dispatch.pk, matched_count=matched, planned_count=planned)


@transaction.atomic
def freeze_chunk(*, run_id: int) -> int:
    """Write coupons and messages of the next people; returns how many, 0 when nobody is left to this worker."""
    run = _load(run_id)
    if run.state != RunState.FREEZING:
        return 0
    people = list(
        RunAudience.objects.select_for_update(skip_locked=True)
        .filter(run=run, exclusion="", is_frozen=False)
        .order_by("member_id")
        .values_list("id", "member_id")[:CHUNK_PEOPLE]
    )
    if not people:
        return 0
    dispatch = Dispatch.objects.get(source=run.source)
    receivers = _within_limit(run, _receivers(run, dispatch, [member_id for _id, member_id in people]))
    issued = _issue(run, receivers)
    links = _preference_links(run.campaign, receivers)
    messages = [_message(run, member, issued.get(member.pk), links) for member in receivers]
    dispatches.add_messages(dispatch=dispatch, people=messages)
    RunAudience.objects.filter(pk__in=[row[0] for row in people]).update(is_frozen=True)
    return len(people)


def _receivers(run: Run, dispatch: Dispatch, member_ids: list[int]) -> list[Member]:
    """
    The members of a chunk, as they are now. Who lost their phone since the audience was fixed, or took one that
    is in the run already, is left out with the reason.
    """
    members = Member.objects.in_bulk(member_ids)
    hashes = [one.phone_hash for one in members.values() if one.phone_hash]
    taken = set(
        Message.objects.filter(month=dispatch.month, dispatch_id=dispatch.pk, dedupe_key__in=hashes).values_list(
            "dedupe_key", flat=True
        )
    )
    receivers: list[Member] = []
    for member_id in member_ids:
        member = members.get(member_id)
        if member is None or member.phone_hash is None or member.phone_hash in taken:
            _leave_out(run, member_id, "SAME_PHONE" if member and member.phone_hash else "NO_PHONE")
            continue
        taken.add(member.phone_hash)
        receivers.append(member)
    return receivers


def _leave_out(run: Run, member_id: int, reason: str) -> None:
    RunAudience.objects.filter(run=run, member_id=member_id).update(exclusion=reason)
    Run.objects.filter(pk=run.pk).update(planned_count=F("planned_count") - 1)


def _within_limit(run: Run, receivers: list[Member]) -> list[Member]:
    """
    Those who may still have a coupon of the batch; another run may have given them theirs since the audience
    was fixed. Locks the batch, as everybody who issues of it does, so that what they gave is seen.
    """
    terms = run.campaign.coupon_terms
    if terms is None:
        return receivers
    batch = CouponBatch.objects.select_for_update().get(pk=terms.batch_id)
    given = dict(
        Coupon.objects.issued().filter(batch=batch, member_id__in=[one.pk for one in receivers])
        .values("member_id").annotate(n=Count("pk")).values_list("member_id", "n")
    )  # fmt: skip
    for member in receivers:
        if given.get(member.pk, 0) >= batch.per_member_limit:
            _leave_out(run, member.pk, "COUPON_LIMIT")
    return [one for one in receivers if given.get(one.pk, 0) < batch.per_member_limit]


def _issue(run: Run, receivers: list[Member]) -> dict[int, Issued]:
    terms = run.campaign.coupon_terms
    if terms is None:
        return {}
    earlier = dict(
        Coupon.objects.filter(batch_id=terms.batch_id, member_id__in=[one.pk for one in receivers])
        .values("member_id").annotate(last=Max("ordinal")).values_list("member_id", "last")
    )  # fmt: skip
    wanted = [Receiver(one.pk, one.phone_tail, earlier.get(one.pk, 0) + 1) for one in receivers]
    made = issue_to(terms=terms, receivers=wanted, source=run.source, issued_at=run.occurrence_at)
    return {who.member_id: coupon for who, coupon in zip(wanted, made, strict=True)}


def _preference_links(campaign: Campaign, receivers: list[Member]) -> dict[UUID, str]:
    if "preference_link" not in fields_in(campaign.template_version.body):
        return {}
    return links_for(phone_hashes=[one.phone_hash for one in receivers if one.phone_hash])


def _message(run: Run, member: Member, coupon: Issued | None, links: dict[UUID, str]) -> NewMessage:
    assert member.phone_hash is not None
    params: dict[str, str] = {"name": member.name}
    if coupon is not None:
        params |= {
            "coupon_code": group_code(coupon.code),
            "coupon_link": f"{settings.PUBLIC_URL}/c/{coupon.link_token}",
            "expires": expiry_word(coupon.valid_until),
        }
    if member.phone_hash in links:
        params["preference_link"] = f"{settings.PUBLIC_URL}/p/{links[member.phone_hash]}"
    return NewMessage(
        dedupe_key=member.phone_hash, variant="A", template_version_id=run.campaign.template_version_id,
        params=params, member_id=member.pk, phone_hash=member.phone_hash, phone_cipher=_cipher(member),
        phone_tail=member.phone_tail, carrier=lot_carrier(member.carrier), is_demo=member.is_demo,
        fingerprint=fingerprint_of(run.campaign), sender_ref=coupon.id if coupon else None,
    )  # fmt: skip


def _cipher(member: Member) -> bytes:
    value: Any = member.phone_cipher
    return bytes(value)


@transaction.atomic
def release(*, run_id: int, now: datetime) -> None:
    """Open the dispatch once everybody's message is written; the last worker to come does it."""
    if RunAudience.objects.filter(run_id=run_id, exclusion="", is_frozen=False).exists():
        return
    if Run.objects.filter(pk=run_id, state=RunState.FREEZING).update(state=RunState.SENDING):
        run = Run.objects.get(pk=run_id)
        assert run.dispatch_id is not None
        dispatches.release(dispatch_id=run.dispatch_id)
