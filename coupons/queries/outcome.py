"""What became of the coupons that one run gave away, hour by hour."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import ExtractHour

from coupons.models import Redemption, RedemptionState

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class RedeemedHour:
    """
    Redemptions of one hour of a business date that were not undone, and what they saved, in fen.

    `paid_fen` is what the tickets brought after the saving; `ticket_count` says of how many it is known.
    """

    day: date
    hour: int
    count: int
    saving_fen: int
    paid_fen: int
    ticket_count: int


def redeemed_by_hour(*, source: str) -> list[RedeemedHour]:
    """The hours, by the clock in Shanghai, in which something was redeemed; oldest first."""
    found = Redemption.objects.filter(source=source, state=RedemptionState.ACCEPTED)
    with_hour = found.annotate(hour=ExtractHour("redeemed_at", tzinfo=SHANGHAI))
    rows = with_hour.values_list("business_date", "hour").annotate(
        count=Count("id"), saving_fen=Sum("discount_fen"), paid_fen=Sum(F("ticket_fen") - F("discount_fen")),
        ticket_count=Count("id", filter=Q(ticket_fen__isnull=False)),
    )  # fmt: skip
    return [
        RedeemedHour(day, hour, count, int(saving), int(paid or 0), tickets)
        for day, hour, count, saving, paid, tickets in rows.order_by("business_date", "hour")
    ]
