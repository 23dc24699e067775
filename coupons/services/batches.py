"""Coupon batches: drafted with their terms, submitted, approved by somebody else, paused; voided by two people."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.models import (
    BatchState,
    BatchVoid,
    CouponBatch,
    CouponKind,
    CouponTerms,
    VoidState,
)
from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import Operator
from foundation.services import audit, jobs
from members.models import Store

VOIDABLE = (BatchState.ACTIVE, BatchState.PAUSED)


class TermsRefused(DomainError):
    """The conditions make no coupon."""

    code = "TERMS_REFUSED"


@dataclass(frozen=True, slots=True)
class TermsDraft:
    """The conditions of a coupon as staff write them. Money in fen, percent in basis points."""

    title: str
    kind: str
    face_fen: int = 0
    percent_off_bp: int = 0
    cap_fen: int = 0
    gift_name: str = ""
    min_spend_fen: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    valid_days: int | None = None
    text: str = ""


def fingerprint(draft: TermsDraft, store_codes: Sequence[str]) -> str:
    """SHA-256 over everything a member was promised."""
    promise = {**asdict(draft), "stores": sorted(store_codes)}
    return hashlib.sha256(json.dumps(promise, sort_keys=True, default=str).encode()).hexdigest()


def check_terms(draft: TermsDraft) -> None:
    """Raises TermsRefused with the first thing that is missing."""
    needs = {
        CouponKind.CASH: (draft.face_fen > 0, _("A cash coupon needs a face value.")),
        CouponKind.DISCOUNT: (
            0 < draft.percent_off_bp <= 10_000 and draft.cap_fen > 0,
            _("A discount coupon needs a percentage and a cap."),
        ),
        CouponKind.EXCHANGE: (bool(draft.gift_name.strip()), _("An exchange coupon needs the name of the gift.")),
    }
    ok, sentence = needs[CouponKind(draft.kind)]
    if not ok:
        raise TermsRefused(sentence)
    if draft.kind == CouponKind.CASH and draft.min_spend_fen and draft.min_spend_fen < draft.face_fen:
        raise TermsRefused(_("The minimum spend is below the face value."))
    fixed = draft.valid_from is not None and draft.valid_until is not None
    if fixed == bool(draft.valid_days):
        raise TermsRefused(_("Give either two dates or a number of days after issue."))
    if draft.valid_from and draft.valid_until and draft.valid_from >= draft.valid_until:
        raise TermsRefused(_("The coupon ends before it begins."))


@transaction.atomic
def save_draft(
    *, batch_id: int | None, name: str, planned_count: int, per_member_limit: int, requires_amount: bool,
    draft: TermsDraft, stores: Sequence[Store], by: Operator, now: datetime, budget_fen: int | None = None,
) -> CouponBatch:  # fmt: skip
    """Make a batch or change its draft. Raises TermsRefused, HasMoved once it was submitted."""
    check_terms(draft)
    facts = {
        "name": name, "planned_count": planned_count, "per_member_limit": per_member_limit,
        "requires_amount": requires_amount, "changed_at": now, "budget_fen": budget_fen or None,
    }  # fmt: skip
    if batch_id is None:
        batch = CouponBatch.objects.create(author=by, **facts)
    else:
        drafts = CouponBatch.objects.filter(pk=batch_id, state__in=[BatchState.DRAFT, BatchState.REJECTED])
        if not drafts.update(author=by, state=BatchState.DRAFT, **facts):
            raise HasMoved(_("This batch was submitted; its terms can't be changed any more."))
        batch = CouponBatch.objects.get(pk=batch_id)
    sha256 = fingerprint(draft, [store.code for store in stores])
    terms, _made = CouponTerms.objects.update_or_create(
        batch=batch, version=1, defaults={**asdict(draft), "sha256": sha256}
    )
    terms.stores.set(stores)
    return batch


@transaction.atomic
def submit(*, batch_id: int, by: Operator, now: datetime) -> None:
    """Hand a draft to review. Raises HasMoved."""
    _move(batch_id, [BatchState.DRAFT, BatchState.REJECTED], BatchState.SUBMITTED, by=by, now=now)


@transaction.atomic
def approve(*, batch_id: int, by: Operator, now: datetime, seen: datetime | None = None) -> None:
    """
    Make a submitted batch usable by campaigns.

    Raises NotAllowed for its author, HasMoved, also when it is no longer as it was `seen` (its `changed_at`).
    """
    _check_four_eyes(batch_id, by)
    as_seen = CouponBatch.objects.select_for_update().filter(pk=batch_id)
    if seen is not None and not as_seen.filter(changed_at=seen).exists():
        raise HasMoved(_("It was changed since you opened it. Look again."))
    _move(batch_id, [BatchState.SUBMITTED], BatchState.ACTIVE, by=by, now=now)
    CouponBatch.objects.filter(pk=batch_id).update(approved_by=by, approved_at=now)


@transaction.atomic
def reject(*, batch_id: int, reason: str, by: Operator, now: datetime) -> None:
    """Send a submitted batch back. Raises NotAllowed for its author, HasMoved, DomainError without a reason."""
    _check_four_eyes(batch_id, by)
    if not reason.strip():
        raise DomainError(_("Say what has to change."))
    _move(batch_id, [BatchState.SUBMITTED], BatchState.REJECTED, by=by, now=now, reason=reason.strip())


@transaction.atomic
def pause(*, batch_id: int, by: Operator, now: datetime) -> None:
    """No coupon of the batch is issued or redeemed until it goes on. Raises HasMoved."""
    _move(batch_id, [BatchState.ACTIVE], BatchState.PAUSED, by=by, now=now)


@transaction.atomic
def resume(*, batch_id: int, by: Operator, now: datetime) -> None:
    """A paused batch goes on. Raises HasMoved."""
    _move(batch_id, [BatchState.PAUSED], BatchState.ACTIVE, by=by, now=now)


@transaction.atomic
def ask_void(*, batch_id: int, reason: str, by: Operator, now: datetime) -> BatchVoid:
    """
    Ask for every unused coupon of a batch to become void, for good; somebody else confirms.

    A repeat returns the first wish; after a refusal it may be asked for again. Raises HasMoved, DomainError.
    """
    reason = reason.strip()
    if not reason:
        raise DomainError(_("Say why the coupons become void."))
    if not CouponBatch.objects.filter(pk=batch_id, state__in=VOIDABLE).exists():
        raise HasMoved(_("Somebody was faster: the state of this batch has changed."))
    wish = {"reason": reason[:200], "asked_by": by, "asked_at": now}
    found, made = BatchVoid.objects.get_or_create(batch_id=batch_id, defaults=wish)
    if not made:
        again = BatchVoid.objects.filter(pk=batch_id, state=VoidState.REFUSED)
        made = bool(again.update(**wish, state=VoidState.ASKED, decided_by=None, decided_at=None))
        found.refresh_from_db()
    if made:
        _note("void_asked", batch_id, by=by, now=now, reason=reason)
    return found


@transaction.atomic
def decide_void(*, batch_id: int, is_confirmed: bool, by: Operator, now: datetime) -> BatchVoid:
    """
    Confirm or refuse what somebody else has asked for. A repeat of the same decision changes nothing.

    From the commit on no till takes a coupon of the batch; the coupons themselves are written by a job, since a
    million of them take a minute.
    Raises BatchVoid.DoesNotExist, NotAllowed for one's own wish, HasMoved when another decision was first or the
    batch is no longer open.
    """
    wish = BatchVoid.objects.select_for_update().get(pk=batch_id)
    state = VoidState.CONFIRMED if is_confirmed else VoidState.REFUSED
    if wish.state == state and wish.decided_by_id == by.pk:
        return wish
    if wish.state != VoidState.ASKED:
        raise HasMoved(_("Somebody has decided this already."))
    if wish.asked_by_id == by.pk:
        raise NotAllowed(_("Whoever asks for it can't confirm it."))
    wish.state, wish.decided_by, wish.decided_at = state, by, now
    if is_confirmed:
        _move(batch_id, VOIDABLE, BatchState.VOIDED, by=by, now=now, reason=wish.reason)
        title = _("Voiding of %(name)s") % {"name": wish.batch.name}
        jobs.enqueue(kind="coupons.void_batch", title=title[:200], params={"batch_id": batch_id}, by=by, now=now)
    else:
        _note("void_refused", batch_id, by=by, now=now)
    wish.save()
    return wish


def _check_four_eyes(batch_id: int, by: Operator) -> None:
    if CouponBatch.objects.filter(pk=batch_id, author=by).exists():
        raise NotAllowed(_("Nobody approves their own coupon. Ask a colleague."))


def _move(
    batch_id: int, old: Sequence[BatchState], new: BatchState, *, by: Operator, now: datetime, reason: str = ""
) -> None:
    if not CouponBatch.objects.filter(pk=batch_id, state__in=old).update(state=new, changed_at=now):
        raise HasMoved(_("Somebody was faster: the state of this batch has changed."))
    _note(new.lower(), batch_id, by=by, now=now, reason=reason)


def _note(action: str, batch_id: int, *, by: Operator, now: datetime, reason: str = "") -> None:
    subject = f"coupons.couponbatch:{batch_id}"
    audit.record(action=f"batch.{action}", subject=subject, by=by, now=now, reason=reason[:200])
