"""Shifts: a clerk begins at a till, redeems, hands over."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Max, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from coupons.models import Shift
from coupons.queries.shifts import open_shift_of, open_shift_on
from coupons.services.till import business_date
from foundation.db import fetch_value
from foundation.errors import DomainError, NotAllowed
from foundation.models import Operator
from members.models import Store
from members.queries.stores import may_undo_in, works_in

# Shared, so that tills do not wait for each other; closing takes the row for itself and waits for them.
HOLD = """
SELECT id FROM coupons_shift
WHERE clerk_id = %(clerk)s AND device_id = %(device)s AND store_id = %(store)s AND closed_at IS NULL
FOR SHARE
"""
HOLD_OPEN = "SELECT id FROM coupons_shift WHERE id = %(shift)s AND closed_at IS NULL FOR SHARE"


class ShiftTaken(DomainError):
    """Another clerk's shift is open on this till, or this clerk's on another one."""

    code = "SHIFT_TAKEN"


class NoShift(DomainError):
    """Nobody's work has begun here: a redemption would belong to no shift."""

    code = "NO_SHIFT"


@transaction.atomic(durable=True)
def open_shift(*, store: Store, device_id: str, by: Operator, now: datetime, instead_of: Sequence[int] = ()) -> Shift:
    """
    Begin work on a till. A repeat, or a second tab at the same moment, gets the one open shift.

    The shifts of `instead_of` are handed over before. Raises ShiftTaken, Shift.DoesNotExist, NotAllowed, with
    nothing changed.
    """
    # One after the other within a store, for the running number; tills that redeem do not wait for this lock.
    Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    for shift_id in sorted(instead_of):
        _close(shift_id=shift_id, device_id=device_id, by=by, now=now)
    today = business_date(store=store, now=now)
    last = Shift.objects.filter(store=store, business_date=today).aggregate(last=Max("number"))["last"] or 0
    fresh = Shift(store=store, clerk=by, device_id=device_id, business_date=today, number=last + 1, opened_at=now)
    Shift.objects.bulk_create([fresh], ignore_conflicts=True)
    shift = open_shift_of(clerk_id=by.pk)
    if shift is None:
        raise ShiftTaken(_("Another clerk's shift is still open on this till."))
    if (shift.device_id, shift.store_id) != (device_id, store.pk):
        raise ShiftTaken(_("Your shift is still open on another till or in another store."))
    return shift


@transaction.atomic(durable=True)
def close_shift(*, shift_id: int, device_id: str, by: Operator, now: datetime) -> Shift:
    """
    Hand over. A repeat changes nothing. Raises Shift.DoesNotExist, NotAllowed.

    The clerk may do it anywhere, whoever stands at the till for a clerk who forgot, and the store's manager.
    """
    return _close(shift_id=shift_id, device_id=device_id, by=by, now=now)


def _close(*, shift_id: int, device_id: str, by: Operator, now: datetime) -> Shift:
    shift = Shift.objects.select_related("store", "clerk").get(pk=shift_id)
    if not _may_close(shift, device_id, by=by, now=now):
        raise NotAllowed(_("This shift belongs to somebody else on another till."))
    Shift.objects.filter(pk=shift.pk, closed_at__isnull=True).update(closed_at=now, closed_by=by)
    shift.refresh_from_db(fields=["closed_at", "closed_by"])
    return shift


def _may_close(shift: Shift, device_id: str, *, by: Operator, now: datetime) -> bool:
    if shift.clerk_id == by.pk:
        return True
    if shift.device_id == device_id:
        return works_in(operator_id=by.pk, store_id=shift.store_id, now=now)
    return may_undo_in(operator=by, store_id=shift.store_id, now=now)


def on_leave(*, operator_id: int, store_id: int | None, by: Operator, now: datetime) -> None:
    """
    A clerk is gone, from everywhere or from one store: their open shift there ends, handed over by whoever decided.

    Needs an open transaction. A redemption on its way is waited for; the next one finds no shift.
    """
    gone = Shift.objects.filter(clerk_id=operator_id, closed_at__isnull=True)
    gone = gone if store_id is None else gone.filter(store_id=store_id)
    gone.update(closed_at=Greatest(F("opened_at"), Value(now)), closed_by=by)


def hold_shift(*, clerk_id: int, store_id: int, device_id: str) -> int:
    """
    The open shift of a clerk at a till, kept open until the end of the transaction. Raises NoShift.

    Needs an open transaction: a shift that is being closed is waited for.
    """
    found = fetch_value(HOLD, {"clerk": clerk_id, "device": device_id, "store": store_id})
    if found is None:
        raise NoShift(_("Start your shift first; nothing was redeemed."))
    return int(found)


def is_held_open(*, shift_id: int | None) -> bool:
    """Whether a shift is open, and then until the end of the transaction; it waits like `hold_shift`."""
    return shift_id is not None and fetch_value(HOLD_OPEN, {"shift": shift_id}) is not None


def blocking_shifts(*, store: Store, device_id: str, by: Operator) -> list[Shift]:
    """The open shifts that have to be handed over before this clerk can begin on this till."""
    mine, here = open_shift_of(clerk_id=by.pk), open_shift_on(device_id=device_id)
    if mine is not None and (mine.device_id, mine.store_id) == (device_id, store.pk):
        return []
    return [shift for shift in dict.fromkeys((here, mine)) if shift is not None]
