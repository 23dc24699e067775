"""Message search: a phone number, and everything that happened between it and us."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.workplaces.base import attempt, need, page, workplace
from coupons.models import Coupon
from delivery.models import Message, MessageState, Reply
from delivery.queries.reasons import reason_word
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.phone import PhoneRefused, mask, parse_mobile
from foundation.services import audit
from foundation.services.phones import hash_phone
from members.models import ConsentEvent, ConsentSource, Member, PhoneGate, Suppression
from members.services.consent import opt_out

STATES = dict(MessageState.choices)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("delivery.view_message")
def messages(request: HttpRequest) -> HttpResponse:
    """
    The timeline of one phone; the number comes by POST, so that it stands in no address and no log.

    Every search leaves an audit entry without the number.
    """
    context: dict[str, Any] = {"phone": "", "error": ""}
    if request.method == "POST":
        try:
            mobile = parse_mobile(request.POST.get("phone", "")[:40])
        except PhoneRefused:
            context["error"] = _("This is no mobile number. It needs 11 digits.")
        else:
            if "opt_out" in request.POST:
                _opt_out(request, mobile)
            context |= {"phone": mobile, "masked": mask(mobile), **_timeline(request, mobile)}
    return page(request, "messages", _("Message search"), status=400 if context["error"] else 200, **context)


def _opt_out(request: HttpRequest, mobile: str) -> None:
    need(request, "members.add_suppression")
    attempt(
        request, _("No more marketing goes to this phone."), _opt_out_by, phone=mobile, operator=operator_of(request)
    )


def _opt_out_by(*, phone: str, operator: Any) -> None:
    opt_out(
        phone_hash=hash_phone(phone), source=ConsentSource.OPERATOR, proof=f"operator:{operator.pk}",
        now=clock.now(), by=operator,
    )  # fmt: skip


def _timeline(request: HttpRequest, mobile: str) -> dict[str, Any]:
    phone_hash = hash_phone(mobile)
    members = list(Member.objects.filter(phone_hash=phone_hash).select_related("home_store").order_by("id"))
    audit.record(
        action="phone.searched", subject="members.phone", by=operator_of(request), now=clock.now(),
        member_ids=[one.pk for one in members],
    )  # fmt: skip
    sent = Message.objects.filter(phone_hash=phone_hash).order_by("-id")[:100]
    coupons = Coupon.objects.filter(member_id__in=[one.pk for one in members]).select_related("terms")
    return {
        "members": members,
        "gate": PhoneGate.objects.filter(phone_hash=phone_hash).first(),
        "consents": ConsentEvent.objects.filter(phone_hash=phone_hash).order_by("-id")[:50],
        "suppressions": Suppression.objects.filter(phone_hash=phone_hash).order_by("-id"),
        "sent": [(one, STATES[one.state], reason_word(one.reason)) for one in sent],
        "replies": Reply.objects.filter(phone_hash=phone_hash).order_by("-id")[:50],
        "coupons": coupons.order_by("-id")[:50],
    }
