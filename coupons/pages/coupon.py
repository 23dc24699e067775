"""The member's coupon page `/c/<token>`. It shows; redeeming needs a clerk."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coupons.models import BatchState, Coupon, CouponState
from coupons.queries import last_use
from coupons.rules.code import group_code
from coupons.serializers import words
from coupons.services.qr import draw_qr
from coupons.services.views import note_first_view
from foundation import clock
from foundation.money import format_fen
from foundation.page_policy import strict_page
from foundation.tokens import could_be_token

# Programs that fetch a link to draw its preview; no member has seen anything yet.
PREVIEWERS = re.compile(r"bot\b|spider|crawler|preview|facebookexternalhit|whatsapp|slack|curl|wget|python", re.I)


@strict_page(referrer="no-referrer")
@require_safe
def coupon(request: HttpRequest, token: str) -> HttpResponse:
    """Show a coupon to whoever holds its link."""
    tokens = [token] if could_be_token(token) else []
    found = Coupon.objects.select_related("batch", "terms").filter(link_token__in=tokens).first()
    if found is None:
        return render(request, "members/sorry.html", status=404)
    now = clock.now()
    if found.first_viewed_at is None and _is_a_person(request):
        note_first_view(coupon_id=found.pk, now=now)
    return render(request, "coupons/coupon.html", _context(found, now=now))


def _is_a_person(request: HttpRequest) -> bool:
    purposes = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
    is_ahead = "prefetch" in purposes or "preview" in purposes
    return request.method == "GET" and not is_ahead and not PREVIEWERS.search(request.headers.get("User-Agent", ""))


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


def _context(coupon: Coupon, *, now: datetime) -> dict[str, Any]:
    state, zone = state_of(coupon, now=now), ZoneInfo(settings.TIME_ZONE)
    last, start = words.last_instant(coupon.valid_until, zone), coupon.valid_from.astimezone(zone)
    sign, value = words.worth(coupon.terms)
    stores = coupon.terms.stores.order_by("code", "id")
    context: dict[str, Any] = {
        "state": state, "terms": coupon.terms, "tail": coupon.phone_tail, "sign": sign, "value": value,
        "end": f"{words.day(last)} {last:%H:%M}", "start": f"{words.day(start)} {start:%H:%M}",
        "start_day": words.day(start), "stores": list(stores.values_list("name", flat=True)),
        "left": words.days_left(coupon.valid_until, now=now, zone=zone),
        "wait": words.span(int((coupon.valid_from - now).total_seconds())),
        "min_spend": format_fen(coupon.terms.min_spend_fen) if coupon.terms.min_spend_fen else "",
        "cap": format_fen(coupon.terms.cap_fen) if coupon.terms.cap_fen else "",
    }  # fmt: skip
    if state == "VALID":
        context |= {"code": group_code(coupon.code), "qr": draw_qr(code=coupon.code)}
    if state == "USED" and (use := last_use(coupon_id=coupon.pk)) is not None:
        at = use.redeemed_at.astimezone(ZoneInfo(use.store.zone))
        saving = format_fen(use.discount_fen) if use.discount_fen else ""
        context |= {
            "used_at": f"{words.day(at)} {at:%H:%M}", "used_store": use.store.name, "saving": saving,
            "number_tail": use.redemption_no[-6:],
        }  # fmt: skip
    return context
