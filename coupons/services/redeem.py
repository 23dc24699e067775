"""
Redeeming at a till: one short transaction, one conditional update decides.

The answer of every request id is stored, refusals too, so the same question gets the same answer for ever.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.translation import gettext as _

from coupons.models import (
    BatchState,
    Coupon,
    CouponState,
    CouponTerms,
    Redemption,
    RedemptionAttempt,
    RedemptionRequest,
)
from coupons.queries import last_use
from coupons.rules.code import MalformedCode, group_code, mask_code, parse_code
from coupons.rules.discount import Terms, discount_fen
from coupons.rules.eligibility import RETRYABLE, Refusal, Situation, refusal_of
from coupons.services.shifts import hold_shift
from foundation.crypto import key_ring
from foundation.errors import DomainError
from foundation.models import Operator
from members.models import Store

JUST_NOW = timedelta(seconds=10)  # the same gun reads twice; that is no second use

Answer = dict[str, Any]


class RequestReused(DomainError):
    """The request id was used for another question."""

    code = "REQUEST_REUSED"


@dataclass(frozen=True, slots=True)
class Question:
    """What a till asks: which coupon, for which ticket, from where."""

    text: str  # as typed or scanned
    device_id: str
    clerk: Operator
    store: Store
    input_channel: str
    ticket_fen: int | None = None
    receipt_no: str = ""
    needs_shift: bool = False  # people at tills work in shifts, other systems do not

    def fingerprint(self) -> str:
        """The canonical body: another body under the same request id is another question."""
        body = {
            "text": str(key_ring().digest(self.text)), "device_id": self.device_id, "clerk": self.clerk.pk,
            "store": self.store.pk, "input_channel": self.input_channel, "ticket_fen": self.ticket_fen,
            "receipt_no": self.receipt_no,
        }  # fmt: skip
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


@transaction.atomic
def preview(*, question: Question, now: datetime) -> Answer:
    """
    What `redeem` would answer now. Changes nothing.

    A refusal leaves an attempt row all the same: somebody who guesses codes would only ever preview. An
    amount that is too low leaves none, since the page asks again at every change of the amount.
    """
    coupon, refusal = _find(question)
    if coupon is not None and refusal is None:
        refusal = refusal_of(_situation(coupon, question, now=now))
    # Money is asked for on the page: a missing amount is no refusal of a preview.
    if coupon is not None and refusal == Refusal.MIN_SPEND and question.ticket_fen is None:
        refusal = None
    again = _just_redeemed_here(coupon, question, now=now) if refusal == Refusal.ALREADY_REDEEMED else None
    if again is not None:
        return again
    if refusal is not None:
        if refusal != Refusal.MIN_SPEND:
            _note_attempt(question, coupon, refusal, now=now)
        return _refused(question, coupon, refusal, now=now)
    assert coupon is not None
    return {"verdict": "OPEN", **_coupon_facts(coupon), "saving_fen": _saving(coupon, question)}


@transaction.atomic(durable=True)
def redeem(*, question: Question, request_id: UUID, now: datetime) -> Answer:
    """
    Redeem one use of a coupon; a repeat of the same request gets the stored answer, byte for byte.

    Returns an answer with verdict REDEEMED or REFUSED and a reason; refusals leave an attempt row.
    Raises RequestReused when the id was used for another question and NoShift when the till's clerk has not
    begun a shift, with nothing changed.
    """
    stored = _stored_answer(question, request_id, now=now)
    if stored is not None:
        return stored
    shift_id = _shift_of(question)
    coupon, refusal = _find(question)
    if coupon is not None and refusal is None:
        refusal = refusal_of(_situation(coupon, question, now=now))
    if coupon is not None and refusal is None:
        # Between reading and writing another till may have been faster: one conditional update decides.
        won = Coupon.objects.open_at(now).filter(pk=coupon.pk)
        if won.update(**_use_once()):
            coupon.refresh_from_db(fields=["use_seq"])
            return _keep(question, request_id, _accept(coupon, question, request_id, shift_id=shift_id, now=now))
        coupon.refresh_from_db()
        refusal = refusal_of(_situation(coupon, question, now=now)) or Refusal.ALREADY_REDEEMED
    assert refusal is not None
    again = _just_redeemed_here(coupon, question, now=now) if refusal == Refusal.ALREADY_REDEEMED else None
    if again is not None:
        return _keep(question, request_id, again)
    _note_attempt(question, coupon, refusal, now=now)
    return _keep(question, request_id, _refused(question, coupon, refusal, now=now))


def _shift_of(question: Question) -> int | None:
    if not question.needs_shift:
        return None
    return hold_shift(clerk_id=question.clerk.pk, store_id=question.store.pk, device_id=question.device_id)


def _use_once() -> dict[str, Any]:
    full = Case(When(max_uses=F("uses_count") + 1, then=Value(CouponState.REDEEMED)), default=F("state"))
    return {"uses_count": F("uses_count") + 1, "use_seq": F("use_seq") + 1, "state": full}


def _stored_answer(question: Question, request_id: UUID, *, now: datetime) -> Answer | None:
    """
    Claim the request id; None when this call is the first.

    The insert waits for another transaction with the same id, so "running" is never seen.
    """
    fingerprint = question.fingerprint()
    RedemptionRequest.objects.bulk_create(
        [
            RedemptionRequest(
                device_id=question.device_id, request_id=request_id, fingerprint=fingerprint, created_at=now
            )
        ],
        ignore_conflicts=True,
    )
    row = RedemptionRequest.objects.get(device_id=question.device_id, request_id=request_id)
    if row.fingerprint != fingerprint:
        raise RequestReused(_("This request number was used for something else."))
    answer: Answer | None = row.answer
    return answer


def _keep(question: Question, request_id: UUID, answer: Answer) -> Answer:
    RedemptionRequest.objects.filter(device_id=question.device_id, request_id=request_id).update(answer=answer)
    return answer


def _find(question: Question) -> tuple[Coupon | None, Refusal | None]:
    try:
        code = parse_code(question.text)
    except MalformedCode:
        return None, Refusal.MALFORMED
    coupon = Coupon.objects.select_related("batch", "terms").filter(code=code).first()
    return (coupon, None) if coupon else (None, Refusal.NOT_FOUND)


def _situation(coupon: Coupon, question: Question, *, now: datetime) -> Situation:
    return Situation(
        now=now,
        store_id=question.store.pk,
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
        is_void=coupon.state == CouponState.VOID or coupon.batch.state == BatchState.VOIDED,
        batch_is_active=coupon.batch.state in (BatchState.ACTIVE, BatchState.ENDED),
        uses_count=coupon.uses_count,
        max_uses=coupon.max_uses,
        store_ids=frozenset(coupon.terms.stores.values_list("pk", flat=True)),
        min_spend_fen=coupon.terms.min_spend_fen,
        requires_amount=_requires_amount(coupon),
        ticket_fen=question.ticket_fen,
    )


def _requires_amount(coupon: Coupon) -> bool:
    return coupon.batch.requires_amount or coupon.terms.kind == "DISCOUNT"


def money_terms(terms: CouponTerms) -> Terms:
    """The money side of a coupon's conditions, as the rules take it."""
    return Terms(terms.kind, terms.face_fen, terms.percent_off_bp, terms.cap_fen, terms.min_spend_fen)  # type: ignore[arg-type]


def _saving(coupon: Coupon, question: Question) -> int:
    ticket = question.ticket_fen
    if ticket is None:
        return coupon.terms.face_fen
    return discount_fen(terms=money_terms(coupon.terms), eligible_fen=ticket)


def _coupon_facts(coupon: Coupon) -> Answer:
    terms = coupon.terms
    return {
        "title": terms.title, "kind": terms.kind, "gift_name": terms.gift_name, "min_spend_fen": terms.min_spend_fen,
        "phone_tail": coupon.phone_tail, "valid_until": coupon.valid_until.isoformat(),
        "requires_amount": _requires_amount(coupon), "percent_off_bp": terms.percent_off_bp, "cap_fen": terms.cap_fen,
    }  # fmt: skip


def _accept(coupon: Coupon, question: Question, request_id: UUID, *, shift_id: int | None, now: datetime) -> Answer:
    local = now.astimezone(ZoneInfo(question.store.zone))
    saving = _saving(coupon, question)
    redemption = Redemption.objects.create(
        redemption_no=f"{local:%y%m%d}{coupon.pk:08d}{coupon.use_seq:02d}", coupon=coupon, batch=coupon.batch,
        use_seq=coupon.use_seq, device_id=question.device_id, request_id=request_id, clerk=question.clerk,
        store=question.store, business_date=local.date(), input_channel=question.input_channel,
        receipt_no=question.receipt_no, ticket_fen=question.ticket_fen, discount_fen=saving,
        member_id=coupon.member_id, source=coupon.source, redeemed_at=now, terms_sha256=coupon.terms.sha256,
        shift_id=shift_id,
    )  # fmt: skip
    return {
        "verdict": "REDEEMED", **_coupon_facts(coupon), "saving_fen": saving, "repeat": False,
        "redemption_no": redemption.redemption_no, "redeemed_at": now.isoformat(),
        "undo_until": (now + timedelta(minutes=coupon.batch.undo_minutes)).isoformat(),
    }  # fmt: skip


def _just_redeemed_here(coupon: Coupon | None, question: Question, *, now: datetime) -> Answer | None:
    """The green answer of a double read: same device, moments ago, counted once."""
    last = last_use(coupon_id=coupon.pk) if coupon else None
    if coupon is None or last is None or last.device_id != question.device_id or now - last.redeemed_at > JUST_NOW:
        return None
    return {
        "verdict": "REDEEMED", **_coupon_facts(coupon), "saving_fen": last.discount_fen, "repeat": True,
        "redemption_no": last.redemption_no, "redeemed_at": last.redeemed_at.isoformat(),
        "undo_until": (last.redeemed_at + timedelta(minutes=coupon.batch.undo_minutes)).isoformat(),
    }  # fmt: skip


def _refused(question: Question, coupon: Coupon | None, refusal: Refusal, *, now: datetime) -> Answer:
    return {
        "verdict": "REFUSED", "reason": str(refusal), "retryable": RETRYABLE[refusal],
        "facts": _refusal_facts(question, coupon, refusal, now=now),
    }  # fmt: skip


def _refusal_facts(question: Question, coupon: Coupon | None, refusal: Refusal, *, now: datetime) -> Answer:
    if coupon is None and refusal == Refusal.NOT_FOUND:
        return {"input": group_code(mask_code(parse_code(question.text))), "input_channel": question.input_channel}
    if coupon is None:
        return {}
    facts: Answer = {
        "title": coupon.terms.title, "valid_from": coupon.valid_from.isoformat(),
        "valid_until": coupon.valid_until.isoformat(),
    }  # fmt: skip
    if refusal == Refusal.ALREADY_REDEEMED and (last := last_use(coupon_id=coupon.pk)) is not None:
        facts |= {
            "redeemed_at": last.redeemed_at.isoformat(), "store": last.store.name, "clerk": str(last.clerk),
            "redemption_no": last.redemption_no, "here": last.device_id == question.device_id,
            "seconds_ago": int((now - last.redeemed_at).total_seconds()),
        }  # fmt: skip
    if refusal == Refusal.MIN_SPEND:
        missing = coupon.terms.min_spend_fen - (question.ticket_fen or 0)
        facts |= {
            "min_spend_fen": coupon.terms.min_spend_fen,
            "ticket_fen": question.ticket_fen,
            "missing_fen": missing,
        }
    if refusal == Refusal.WRONG_STORE:
        facts["stores"] = list(coupon.terms.stores.order_by("code").values_list("name", flat=True)[:3])
    return facts


def _note_attempt(question: Question, coupon: Coupon | None, refusal: Refusal, *, now: datetime) -> None:
    RedemptionAttempt.objects.create(
        at=now, clerk=question.clerk, store=question.store, device_id=question.device_id,
        input_channel=question.input_channel, input_hash=key_ring().digest(question.text),
        is_well_formed=refusal != Refusal.MALFORMED, coupon=coupon, reason=str(refusal),
    )  # fmt: skip


def result_of(*, device_id: str, request_id: UUID) -> Answer | None:
    """The stored answer of a request; None when the server never saw it."""
    rows = RedemptionRequest.objects.filter(device_id=device_id, request_id=request_id)
    answer: Answer | None = rows.values_list("answer", flat=True).first()
    return answer
