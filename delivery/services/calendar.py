"""The days that are not like others, as staff vouch for them."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from delivery.models import CalendarDay
from foundation.errors import HasMoved
from foundation.models import Operator
from foundation.services import audit


@transaction.atomic
def confirm(*, days: Sequence[date], by: Operator, now: datetime) -> int:
    """Somebody has checked the days against the yearly notice; returns how many were new. Raises HasMoved for none."""
    confirmed = CalendarDay.objects.filter(day__in=days, is_confirmed=False).update(is_confirmed=True)
    if not confirmed:
        raise HasMoved(_("These days are confirmed already."))
    audit.record(
        action="calendarday.confirmed", subject="delivery.calendarday", by=by, now=now,
        days=sorted(day.isoformat() for day in days),
    )  # fmt: skip
    return confirmed
