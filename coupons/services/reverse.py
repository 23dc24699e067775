"""
Undoing a redemption: within minutes by the clerk who made it, within the day by a manager of the store.

Nobody undoes late what they redeemed themselves: otherwise a manager at the till could keep the difference.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.models import Coupon, CouponState, Redemption, RedemptionState, Reversal
from coupons.services.shifts import is_held_open
from foundation.errors import DomainError, NotAllowed
from foundation.models import Operator
from members.queries.stores import may_undo_in, works_in


class UndoTooLate(DomainError):
    """The time in which this may be undone has passed."""

    code = "UNDO_TOO_LATE"


@transaction.atomic(durable=True)
def reverse(*, redemption_no: str, device_id: str, reason: str, by: Operator, now: datetime) -> Reversal:
    """
    Undo a redemption: the coupon can be used again while it is valid. A repeat returns the first undo.

    Raises Redemption.DoesNotExist, NotAllowed (another clerk's, another store's), UndoTooLate.
    """
    redemption = Redemption.objects.select_related("coupon", "batch", "store").get(redemption_no=redemption_no)
    _check_right(redemption, device_id, by=by, now=now)
    within_shift = is_held_open(shift_id=redemption.shift_id)
    if not Redemption.objects.filter(pk=redemption.pk, state=RedemptionState.ACCEPTED).update(
        state=RedemptionState.REVERSED
    ):
        return Reversal.objects.get(redemption=redemption)
    # uses_count falls, use_seq never does: the next use gets a number of its own.
    Coupon.objects.filter(pk=redemption.coupon_id, uses_count__gt=0).update(uses_count=F("uses_count") - 1)
    used = Coupon.objects.filter(pk=redemption.coupon_id, state=CouponState.REDEEMED)
    # Whoever was erased meanwhile keeps no coupon.
    if not used.filter(void_reason="ERASED").update(state=CouponState.VOID, voided_at=now):
        used.update(state=CouponState.ISSUED)
    return Reversal.objects.create(
        redemption=redemption, by=by, device_id=device_id, reason=reason, reversed_at=now, within_shift=within_shift
    )  # fmt: skip


def _check_right(redemption: Redemption, device_id: str, *, by: Operator, now: datetime) -> None:
    if not works_in(operator_id=by.pk, store_id=redemption.store_id, now=now):
        raise NotAllowed(_("This was redeemed in another store."))
    is_own = redemption.clerk_id == by.pk
    is_manager = may_undo_in(operator=by, store_id=redemption.store_id, now=now)
    if is_manager and not is_own:
        today = now.astimezone(ZoneInfo(redemption.store.zone)).date()
        if redemption.business_date != today:
            raise UndoTooLate(_("The business day is over; ask head office."))
        return
    is_late = now > redemption.redeemed_at + timedelta(minutes=redemption.batch.undo_minutes)
    if is_manager and (is_late or redemption.device_id != device_id):
        raise NotAllowed(_("You redeemed this yourself. Ask the area manager to undo it."))
    if not is_own or redemption.device_id != device_id:
        raise NotAllowed(_("Only the clerk who redeemed it can undo it on the same till. Ask the store manager."))
    if is_late:
        raise UndoTooLate(_("It is too late to undo this here. Ask the store manager."))
