"""What a member's coupon page says of a coupon, in the reader's language and the chain's own time."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from coupons.models import BatchState, Coupon, CouponState
from coupons.queries import last_use
from coupons.rules import reminder
from coupons.rules.code import group_code
from coupons.rules.code128 import bars_of, width_of
from coupons.serializers import words
from coupons.services.qr import draw_qr
from foundation.money import format_fen

SOON_DAYS = 5  # from here on a list says that a coupon ends soon

Shown = dict[str, Any]


def chain_zone() -> ZoneInfo:
    """The zone in which the chain writes dates."""
    return ZoneInfo(settings.TIME_ZONE)


def state_of(coupon: Coupon, *, now: datetime) -> str:
    """VOID, USED, EXPIRED, NOT_YET, PAUSED or VALID; the first that is true."""
    if coupon.state == CouponState.VOID or coupon.batch.state == BatchState.VOIDED:
        return "VOID"
    if coupon.uses_count >= coupon.max_uses:
        return "USED"
    if now >= coupon.valid_until:
        return "EXPIRED"
    if now < coupon.valid_from:
        return "NOT_YET"
    return "VALID" if coupon.batch.state in (BatchState.ACTIVE, BatchState.ENDED) else "PAUSED"


def face_of(coupon: Coupon, *, now: datetime) -> Shown:
    """The head of a coupon: what it is worth, its name, its dates."""
    zone = chain_zone()
    last, start = words.last_instant(coupon.valid_until, zone), coupon.valid_from.astimezone(zone)
    sign, value = words.worth(coupon.terms)
    return {
        "terms": coupon.terms, "tail": coupon.phone_tail, "sign": sign, "value": value,
        "end": f"{words.day(last)} {last:%H:%M}", "start": f"{words.day(start)} {start:%H:%M}",
        "start_day": words.day(start), "left": words.days_left(coupon.valid_until, now=now, zone=zone),
        "wait": words.span(int((coupon.valid_from - now).total_seconds())),
        "min_spend": _yuan_or_nothing(coupon.terms.min_spend_fen), "cap": _yuan_or_nothing(coupon.terms.cap_fen),
    }  # fmt: skip


def symbols_of(coupon: Coupon) -> Shown:
    """What the clerk scans or types. Never in a page before the coupon is good."""
    bars = {"path": bars_of(coupon.code), "width": width_of(coupon.code)}
    return {"code": group_code(coupon.code), "qr": draw_qr(code=coupon.code), "bars": bars}


def use_of(coupon: Coupon) -> Shown:
    """Where and when a coupon was used; empty when every use was undone meanwhile."""
    use = last_use(coupon_id=coupon.pk)
    if use is None:
        return {}
    at = use.redeemed_at.astimezone(ZoneInfo(use.store.zone))
    return {
        "used_at": f"{words.day(at)} {at:%H:%M}", "used_store": use.store.name,
        "saving": _yuan_or_nothing(use.discount_fen), "number_tail": use.redemption_no[-6:],
    }  # fmt: skip


def row_of(coupon: Coupon, *, now: datetime) -> Shown:
    """A coupon in a list of several."""
    zone = chain_zone()
    last = words.last_instant(coupon.valid_until, zone)
    days = (last.date() - now.astimezone(zone).date()).days
    return {"token": coupon.link_token, "is_ending": days <= SOON_DAYS, **face_of(coupon, now=now)}


def reminder_at(coupon: Coupon, *, now: datetime) -> datetime | None:
    """When the calendar should ring; None when there is nothing to wait for or no time left."""
    state, zone = state_of(coupon, now=now), chain_zone()
    if state == "NOT_YET":
        return reminder.at_the_start(begins=coupon.valid_from.astimezone(zone))
    if state == "VALID":
        return reminder.before_the_end(until=coupon.valid_until.astimezone(zone), now=now.astimezone(zone))
    return None


def reminder_file(coupon: Coupon, *, at: datetime, now: datetime) -> str:
    """The file for the calendar."""
    last = words.last_instant(coupon.valid_until, chain_zone())
    facts = {"title": coupon.terms.title, "end": f"{words.day(last)} {last:%H:%M}"}
    begins = now < coupon.valid_from
    summary = _("Coupon good from today: %(title)s") if begins else _("Coupon ends soon: %(title)s")
    return reminder.calendar_file(
        uid=f"coupon-{coupon.pk}-{at:%Y%m%d}@sms-console", made_at=now, at=at, summary=summary % facts,
        note=_("Good until %(end)s. Open the link in the SMS and show it at the till.") % facts,
    )  # fmt: skip


def _yuan_or_nothing(fen: int) -> str:
    return format_fen(fen) if fen else ""
