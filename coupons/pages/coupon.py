"""
The member's coupon page `/c/<token>` and what hangs on it. It shows; redeeming needs a clerk.

Whoever holds the link sees this member's coupons: that is how the SMS hands them over.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from coupons.models import Coupon
from coupons.queries import other_open_coupons
from coupons.serializers import coupon_page
from coupons.services.views import note_first_view
from foundation import clock
from foundation.page_policy import sorry, token_page
from foundation.tokens import NO_TOKEN, could_be_token
from members.queries.preference import phone_of_member
from members.services.preference import links_for

# Programs that fetch a link to draw its preview; no member has seen anything yet.
PREVIEWERS = re.compile(r"bot\b|spider|crawler|preview|facebookexternalhit|whatsapp|slack|curl|wget|python", re.I)
# WeChat's browser keeps no downloads: it can only be told to open another one.
WECHAT = "MicroMessenger"

MemberPage = Callable[[HttpRequest, Coupon], HttpResponse]


def member_page(view: MemberPage) -> Callable[..., HttpResponseBase]:
    """Call `view(request, coupon)` for the holder of a link; every other address gets the same sorry page."""

    @token_page(allowed=("screen-wake-lock",))
    @require_safe
    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponseBase:
        wanted = token if could_be_token(token) else NO_TOKEN
        found = Coupon.objects.select_related("batch", "terms").filter(link_token=wanted).first()
        if found is None:
            return sorry(request, token)
        return view(request, found)

    return page


@member_page
def coupon(request: HttpRequest, coupon: Coupon) -> HttpResponse:
    """Show a coupon to whoever holds its link."""
    now = clock.now()
    if coupon.first_viewed_at is None and _is_a_person(request):
        note_first_view(coupon_id=coupon.pk, now=now)
    state = coupon_page.state_of(coupon, now=now)
    others = other_open_coupons(coupon=coupon, now=now)
    context: dict[str, Any] = {
        "state": state, "token": coupon.link_token, **coupon_page.face_of(coupon, now=now),
        "stores": list(coupon.terms.stores.order_by("code", "id").values_list("name", flat=True)),
        "others": [one.terms.title for one in others], "has_settings": coupon.member_id is not None,
        "has_reminder": coupon_page.reminder_at(coupon, now=now) is not None, "is_wechat": _is_wechat(request),
    }  # fmt: skip
    if state == "VALID":
        context |= coupon_page.symbols_of(coupon)
    if state == "USED":
        context |= coupon_page.use_of(coupon)
    return render(request, "coupons/coupon.html", context)


@member_page
def large(request: HttpRequest, coupon: Coupon) -> HttpResponse:
    """The code alone, as large as the screen, on white; a coupon that is not good now leads back."""
    if coupon_page.state_of(coupon, now=clock.now()) != "VALID":
        return redirect("coupons:coupon", token=coupon.link_token)
    context = {"token": coupon.link_token, "terms": coupon.terms, **coupon_page.symbols_of(coupon)}
    return render(request, "coupons/large.html", context)


@member_page
def reminder(request: HttpRequest, coupon: Coupon) -> HttpResponse:
    """A file for the member's calendar."""
    now = clock.now()
    at = coupon_page.reminder_at(coupon, now=now)
    if at is None:
        return redirect("coupons:coupon", token=coupon.link_token)
    content = coupon_page.reminder_file(coupon, at=at, now=now)
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="coupon.ics"'
    return response


@member_page
def several(request: HttpRequest, coupon: Coupon) -> HttpResponse:
    """All coupons of this member that are good now, the first to end on top."""
    now = clock.now()
    own = [coupon] if coupon_page.state_of(coupon, now=now) == "VALID" else []
    found = sorted([*own, *other_open_coupons(coupon=coupon, now=now)], key=lambda one: (one.valid_until, one.pk))
    rows = [coupon_page.row_of(one, now=now) for one in found]
    return render(
        request, "coupons/several.html", {"rows": rows, "tail": coupon.phone_tail, "token": coupon.link_token}
    )


@member_page
def settings(request: HttpRequest, coupon: Coupon) -> HttpResponse:
    """On to the member's preference page. Its link is made when it is first wanted; nothing else changes."""
    phone_hash = phone_of_member(member_id=coupon.member_id) if coupon.member_id else None
    if phone_hash is None:
        return render(request, "members/sorry.html", status=404)
    return redirect("members:preference", token=links_for(phone_hashes=[phone_hash])[phone_hash])


def _is_a_person(request: HttpRequest) -> bool:
    purposes = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
    is_ahead = "prefetch" in purposes or "preview" in purposes
    return request.method == "GET" and not is_ahead and not PREVIEWERS.search(request.headers.get("User-Agent", ""))


def _is_wechat(request: HttpRequest) -> bool:
    return WECHAT in request.headers.get("User-Agent", "")
