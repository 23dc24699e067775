"""A store's day as its manager looks at it. How many queries that takes never depends on how much was sold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import ExtractHour

from coupons.models import InputChannel, Redemption, RedemptionAttempt, RedemptionState

ACCEPTED = Q(state=RedemptionState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Redemptions that count, what they saved, what their tickets brought after the saving, and undos."""

    count: int
    saving_fen: int
    paid_fen: int
    undone_count: int


@dataclass(frozen=True, slots=True)
class ClerkFigures:
    """One clerk's day: redemptions that count, how many of them were typed, undos."""

    clerk_id: int
    name: str
    count: int
    typed_count: int
    undone_count: int


def day_figures(*, store_id: int, day: date, until: datetime) -> DayFigures:
    """The figures of a store's business day up to an instant."""
    found = Redemption.objects.filter(store_id=store_id, business_date=day, redeemed_at__lte=until)
    facts = found.aggregate(
        count=Count("id", filter=ACCEPTED), saving_fen=Sum("discount_fen", filter=ACCEPTED),
        paid_fen=Sum(F("ticket_fen") - F("discount_fen"), filter=ACCEPTED), undone_count=Count("id", filter=~ACCEPTED),
    )  # fmt: skip
    return DayFigures(**{name: int(value or 0) for name, value in facts.items()})


def hours_of_days(*, store_id: int, days: Sequence[date], zone: str) -> dict[tuple[date, int], int]:
    """How many redemptions count in each hour of some business days, by the clock at the till."""
    found = Redemption.objects.filter(ACCEPTED, store_id=store_id, business_date__in=days)
    by_hour = found.annotate(hour=ExtractHour("redeemed_at", tzinfo=ZoneInfo(zone)))
    rows = by_hour.values_list("business_date", "hour").annotate(count=Count("id")).order_by("business_date", "hour")
    return {(day, hour): count for day, hour, count in rows}


def refusals_between(*, store_id: int, start: datetime, end: datetime) -> list[tuple[int, str, int]]:
    """Clerk, reason and number of what was refused in a store."""
    found = RedemptionAttempt.objects.filter(store_id=store_id, at__gte=start, at__lt=end)
    return list(
        found.values_list("clerk_id", "reason").annotate(count=Count("id")).order_by("clerk_id", "-count", "reason")
    )


def clerks_of_day(*, store_id: int, day: date) -> list[ClerkFigures]:
    """Everybody who redeemed in a store on a business day, by name."""
    typed = ACCEPTED & Q(input_channel=InputChannel.TYPED)
    found = Redemption.objects.filter(store_id=store_id, business_date=day)
    rows = found.values("clerk_id", "clerk__display_name", "clerk__username").annotate(
        count=Count("id", filter=ACCEPTED), typed_count=Count("id", filter=typed),
        undone_count=Count("id", filter=~ACCEPTED),
    )  # fmt: skip
    return [_clerk(row) for row in rows.order_by("clerk__display_name", "clerk_id")]


def _clerk(row: Mapping[str, Any]) -> ClerkFigures:
    counts = {name: row[name] for name in ("count", "typed_count", "undone_count")}
    return ClerkFigures(clerk_id=row["clerk_id"], name=row["clerk__display_name"] or row["clerk__username"], **counts)


def redemptions_of_day(*, store_id: int, day: date, search: str, limit: int) -> list[Redemption]:
    """
    A store's redemptions of a business day, newest first.

    `search` is a redemption number or its end, a whole receipt number, or the last four digits of a phone.
    """
    found = Redemption.objects.select_related("coupon__terms", "clerk", "batch", "store", "reversal")
    found = found.filter(store_id=store_id, business_date=day)
    if search:
        numbers = Q(redemption_no__endswith=search) | Q(coupon__phone_tail=search)
        found = found.filter(numbers | Q(receipt_no__iexact=search))
    return list(found.order_by("-id")[:limit])


def redemption_of_store(*, store_id: int, redemption_no: str) -> Redemption | None:
    """One redemption, if it was made in this store; None for whatever else stands in an address."""
    if not (redemption_no.isascii() and redemption_no.isdigit()):
        return None
    found = Redemption.objects.select_related("coupon__terms", "clerk", "batch", "store", "reversal")
    return found.filter(store_id=store_id, redemption_no=redemption_no).first()


def undone_today(*, clerk_id: int, store_id: int, day: date) -> int:
    """How many redemptions of a clerk were undone that day."""
    return Redemption.objects.filter(~ACCEPTED, clerk_id=clerk_id, store_id=store_id, business_date=day).count()
