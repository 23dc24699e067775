"""Instants, spans and money in the reader's words."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext, pgettext

from coupons.models import CouponTerms
from foundation.money import format_fen


def is_chinese() -> bool:
    """Whether the page is read in Chinese; its verdict words may be larger."""
    return (get_language() or "").startswith("zh")


def day(local: datetime) -> str:
    """Month and day: Nov 30."""
    return date_format(local, pgettext("date format", "M j"))


def moment(at: datetime, *, now: datetime, zone: ZoneInfo) -> str:
    """Day and time in the zone of the reader: "Today 09:14", "Nov 30 23:59"."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return gettext("Today %(time)s") % {"time": f"{local:%H:%M}"}
    return f"{day(local)} {local:%H:%M}"


def span(seconds: int) -> str:
    """A length of time in its two largest units."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return gettext("%(days)s d %(hours)s h") % {"days": days, "hours": hours % 24}
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes % 60}
    if minutes:
        return gettext("%(minutes)s min") % {"minutes": minutes}
    return gettext("%(seconds)s s") % {"seconds": max(seconds, 0)}


def days_left(until: datetime, *, now: datetime, zone: ZoneInfo) -> str:
    """How long a coupon still lasts; its end is half-open, so midnight belongs to the day before."""
    last, today = last_instant(until, zone), now.astimezone(zone)
    days = (last.date() - today.date()).days
    if days <= 0:
        return gettext("last day today")
    return ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}


def last_instant(until: datetime, zone: ZoneInfo) -> datetime:
    """The last second at which a coupon is good, in local time."""
    return (until - timedelta(seconds=1)).astimezone(zone)


def yuan(fen: int) -> str:
    """¥20.00 with its sign."""
    return f"¥{format_fen(fen)}"


def face_yuan(fen: int) -> str:
    """The face of a coupon: whole yuan without decimals."""
    return format_fen(fen).removesuffix(".00")


def share(percent_off_bp: int) -> str:
    """What a discount coupon leaves or takes, as people say it: 8 折, 20% off."""
    if is_chinese():
        return f"{_decimal(10_000 - percent_off_bp, 3)} 折"
    return gettext("%(percent)s%% off") % {"percent": _decimal(percent_off_bp, 2)}


def worth(terms: CouponTerms) -> tuple[str, str]:
    """What stands largest on a coupon: a currency sign, if any, and the value."""
    if terms.kind == "CASH":
        return "¥", face_yuan(terms.face_fen)
    if terms.kind == "DISCOUNT":
        return "", share(terms.percent_off_bp)
    return "", gettext("Gift")


def _decimal(number: int, places: int) -> str:
    whole, rest = divmod(number, 10**places)
    decimals = f"{rest:0{places}}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)
