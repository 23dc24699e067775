"""Builders: rows with only the fields that a test cares about."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from campaigns.models import Campaign
from campaigns.services import drafts as campaign_drafts
from campaigns.services import review
from coupons.models import CouponTerms
from coupons.services import batches
from coupons.services.batches import TermsDraft
from delivery.models import Channel, Dispatch
from delivery.rules.routing import lot_carrier
from delivery.services import dispatches
from delivery.services.dispatches import NewMessage
from foundation.models import Operator
from foundation.services.phones import seal
from members.models import Member, PhoneGate, Segment, Store
from templates_sms.models import Signature, TemplateVersion
from templates_sms.services import approve, save_draft, submit

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
MIDNIGHT = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # 00:00 in Shanghai
MONTHS = (date(2026, 11, 1), date(2026, 12, 1))
EVERYBODY = {"op": "all", "rules": [{"field": "purchase_count", "op": "at_least", "value": 0}]}

_numbers = count(1)


def mobile(number: int, prefix: str = "139") -> str:
    """The `number`-th mobile number of a prefix."""
    return f"{prefix}{number:08d}"


def make_operator(username: str = "", **facts: Any) -> Operator:
    """An operator without a password."""
    return Operator.objects.create(username=username or f"operator{next(_numbers)}", **facts)


def make_store(code: str = "S1", **facts: Any) -> Store:
    """A store."""
    return Store.objects.create(code=code, name=facts.pop("name", f"门店{code}"), **facts)


def make_member(number: int = 1, *, consent: str | None = "GRANTED", phone: str | None = "", **facts: Any) -> Member:
    """A member with card M<number>; `consent` None leaves no gate row, `phone` None means no phone."""
    sealed = None if phone is None else seal(phone or mobile(number))
    member = Member.objects.create(
        card_no=f"M{number}", name=facts.pop("name", f"会员{number}"), phone_hash=sealed.hash if sealed else None,
        phone_cipher=sealed.cipher if sealed else None, phone_tail=sealed.tail if sealed else "",
        carrier=str(sealed.carrier) if sealed else "", **facts,
    )  # fmt: skip
    if consent is not None and sealed is not None:
        PhoneGate.objects.update_or_create(phone_hash=sealed.hash, defaults={"consent": consent, "changed_at": NOON})
    return member


def make_version(
    body: str = "全场八折，欢迎到店。", *, tier: str = "MARKETING", signature: str = "佳家超市"
) -> TemplateVersion:
    """An approved text, through the real review."""
    name, _made = Signature.objects.get_or_create(name=signature)
    author, approver = make_operator(), make_operator()
    template = save_draft(
        template_id=None, name=f"T{next(_numbers)}", tier=tier, signature=name, body=body, by=author, now=NOON
    )
    submit(template_id=template.pk, by=author, now=NOON)
    return approve(template_id=template.pk, by=approver, now=NOON)


def make_terms(
    *, planned_count: int = 100, per_member_limit: int = 1, requires_amount: bool = True, **terms: Any
) -> CouponTerms:
    """The terms of an approved batch, through the real review: 10 yuan off from 50, 30 days."""
    facts: dict[str, Any] = {"title": "满50减10", "kind": "CASH", "face_fen": 1_000, "min_spend_fen": 5_000}
    facts |= {"valid_days": 30} | terms
    author, approver = make_operator(), make_operator()
    batch = batches.save_draft(
        batch_id=None, name=f"B{next(_numbers)}", planned_count=planned_count, per_member_limit=per_member_limit,
        requires_amount=requires_amount, draft=TermsDraft(**facts), stores=[], by=author, now=NOON,
    )  # fmt: skip
    batches.submit(batch_id=batch.pk, by=author, now=NOON)
    batches.approve(batch_id=batch.pk, by=approver, now=NOON)
    return CouponTerms.objects.get(batch=batch)


def make_segment(rule: Any = None) -> Segment:
    """A segment; everybody by default."""
    return Segment.objects.create(name=f"G{next(_numbers)}", rule=rule or EVERYBODY, changed_at=NOON)


def make_campaign(*, now: datetime = NOON - timedelta(hours=1), is_approved: bool = True, **facts: Any) -> Campaign:
    """A campaign to everybody at noon, through the real review unless `is_approved` is false."""
    author, approver = facts.pop("author", None) or make_operator(), make_operator()
    chosen: dict[str, Any] = {
        "name": f"C{next(_numbers)}", "segment": facts.pop("segment", None) or make_segment(),
        "version": facts.pop("version", None) or make_version(), "terms": None, "scheduled_at": NOON,
    } | facts  # fmt: skip
    campaign = campaign_drafts.save_draft(campaign_id=None, by=author, now=now, **chosen)
    if is_approved:
        review.submit(campaign_id=campaign.pk, by=author, now=now)
        if not review.approve(campaign_id=campaign.pk, by=approver, now=now):
            review.approve(campaign_id=campaign.pk, by=make_operator(), now=now)  # above the size for one
    return Campaign.objects.get(pk=campaign.pk)


def make_channel(code: str = "one", **facts: Any) -> Channel:
    """An open channel of the fake provider: 450/10000 yuan a part, 200 people a call, faster than any test."""
    defaults = {
        "name": code, "vendor": "fake", "price": 450, "parts_per_second": 1_000_000, "webhook_token": f"token-{code}",
    }  # fmt: skip
    return Channel.objects.create(code=code, **(defaults | facts))


def make_dispatch(*, now: datetime = NOON, tier: str = "MARKETING", is_open: bool = True, **facts: Any) -> Dispatch:
    """An open, empty dispatch of two days."""
    asked = {"source": f"test:{next(_numbers)}", "not_before": now, "expires_at": now + timedelta(hours=48)} | facts
    dispatch = dispatches.open_dispatch(tier=tier, now=now, **asked)
    if is_open:
        dispatches.release(dispatch_id=dispatch.pk)
        dispatch.refresh_from_db()
    return dispatch


def new_message(phone: str, version: TemplateVersion, *, dedupe: UUID | None = None, **facts: Any) -> NewMessage:
    """One person of a dispatch."""
    sealed = seal(phone)
    values: dict[str, Any] = {
        "variant": "A", "params": {}, "member_id": None, "is_demo": False, "fingerprint": version.fingerprint,
    } | facts  # fmt: skip
    return NewMessage(
        dedupe_key=dedupe or sealed.hash, template_version_id=version.pk, phone_hash=sealed.hash,
        phone_cipher=sealed.cipher, phone_tail=sealed.tail, carrier=lot_carrier(sealed.carrier), **values,
    )  # fmt: skip


def add_people(
    dispatch: Dispatch, phones: Sequence[str], *, version: TemplateVersion | None = None,
    consent: str | None = "GRANTED", **facts: Any,
) -> list[int]:  # fmt: skip
    """Messages to some phones, with their consent; returns the message ids."""
    version = version or make_version(tier=dispatch.tier)
    people = [new_message(phone, version, **facts) for phone in phones]
    if consent is not None:
        gates = [PhoneGate(phone_hash=one.phone_hash, consent=consent, changed_at=NOON) for one in people]
        PhoneGate.objects.bulk_create(gates, ignore_conflicts=True)
    return dispatches.add_messages(dispatch=dispatch, people=people)


def uuid_of(text: str) -> UUID:
    """A fixed UUID for a text."""
    return UUID(hashlib.md5(text.encode()).hexdigest())
