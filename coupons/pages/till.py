"""The till: ready, look, redeem. Works as plain forms; the script only makes it faster."""

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coupons.pages.clerk import Clerk, scanning_page
from coupons.pages.history import recent_context
from coupons.pages.shift import shift_start
from coupons.rules.code import ALPHABET
from coupons.rules.eligibility import Refusal
from coupons.rules.reason_texts import REASON_TEXTS
from coupons.serializers import inputs
from coupons.serializers.verdicts import show, word_class
from coupons.services import redeem as services
from coupons.services.shifts import NoShift
from foundation import clock
from foundation.errors import DomainError


def frame(clerk: Clerk) -> dict[str, Any]:
    """What every page of the till shows around itself."""
    return {"clerk": clerk, "now": clock.now(), "keys": ALPHABET[1:10] + ALPHABET[0] + ALPHABET[10:]}


@scanning_page
def ready(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Wait for the next coupon; before that, offer to begin the shift."""
    if clerk.shift is None:
        return shift_start(request, clerk, is_missing="shift" in request.GET)
    return _ready(request, clerk)


@scanning_page
def check(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Look at a coupon before it counts."""
    form = inputs.PreviewInput(data={**_posted(request), "device_id": clerk.device_id})
    if request.method != "POST":
        return redirect("coupons:till")
    if clerk.shift is None:
        return shift_start(request, clerk, is_missing=True)
    if not form.is_valid():
        return _ready(request, clerk, error=_first_error(form.errors))
    answer = services.preview(question=_question(clerk, form.validated_data), now=clock.now())
    if answer["verdict"] != "OPEN":
        return _verdict(request, clerk, answer)
    return _preview(request, clerk, form.validated_data["text"], answer)


@scanning_page
def redeem(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Redeem; a form sent twice carries the same request id and gets the same answer."""
    if request.method != "POST":
        return redirect("coupons:till")
    form = inputs.RedeemInput(data={**_posted(request), "device_id": clerk.device_id})
    if not form.is_valid():
        return _again(request, clerk, error=_first_error(form.errors))
    facts = form.validated_data
    try:
        answer = services.redeem(question=_question(clerk, facts), request_id=facts["request_id"], now=clock.now())
    except NoShift:
        return shift_start(request, clerk, is_missing=True)
    except DomainError as refusal:
        return _ready(request, clerk, error=str(refusal))
    return _verdict(request, clerk, answer)


def _posted(request: HttpRequest) -> dict[str, Any]:
    """The fields that a form really sent."""
    names = ("text", "input_channel", "ticket", "receipt_no", "request_id")
    return {name: request.POST[name] for name in names if name in request.POST}


def _question(clerk: Clerk, facts: dict[str, Any]) -> services.Question:
    return services.Question(
        text=facts["text"], device_id=clerk.device_id, clerk=clerk.operator, store=clerk.store,
        input_channel=facts["input_channel"], ticket_fen=facts["ticket"], receipt_no=facts["receipt_no"],
        needs_shift=True,
    )  # fmt: skip


def _first_error(errors: Any) -> str:
    return str(next(iter(errors.values()))[0])


def _ready(request: HttpRequest, clerk: Clerk, *, error: str = "") -> HttpResponse:
    context = {
        **frame(clerk), **recent_context(clerk), "error": error, "unknown": _own_verdict(Refusal.UNKNOWN_OUTCOME),
        "offline": _own_verdict(Refusal.OFFLINE_NOT_ALLOWED), "malformed": _own_verdict(Refusal.MALFORMED),
    }  # fmt: skip
    return render(request, "coupons/ready.html", context, status=400 if error else 200)


def _own_verdict(reason: Refusal) -> dict[str, str]:
    """A verdict that the till reaches without the server, in the words of the one catalogue."""
    text = REASON_TEXTS[reason]
    word = pgettext("verdict", text.word)
    return {"word": word, "word_class": word_class(word), "next": _(text.next_step)}


def _again(request: HttpRequest, clerk: Clerk, *, error: str) -> HttpResponse:
    """The look at the coupon once more, with what is wrong: mostly the amount."""
    bare = {"text": request.POST.get("text", ""), "device_id": clerk.device_id}
    form = inputs.PreviewInput(data=bare)
    if not form.is_valid():
        return _ready(request, clerk, error=error)
    answer = services.preview(question=_question(clerk, form.validated_data), now=clock.now())
    if answer["verdict"] != "OPEN":
        return _verdict(request, clerk, answer)
    return _preview(request, clerk, form.validated_data["text"], answer, error=error)


def _preview(
    request: HttpRequest, clerk: Clerk, text: str, answer: services.Answer, *, error: str = ""
) -> HttpResponse:
    context = {
        **frame(clerk), **recent_context(clerk), "view": show(answer, zone=clerk.store.zone, now=clock.now()),
        "text": text, "request_id": uuid4(), "error": error, "ticket": request.POST.get("ticket", ""),
        "input_channel": request.POST.get("input_channel", "TYPED"),
    }  # fmt: skip
    return render(request, "coupons/preview.html", context, status=400 if error else 200)


def _verdict(request: HttpRequest, clerk: Clerk, answer: services.Answer) -> HttpResponse:
    context = {
        **frame(clerk), **recent_context(clerk), "view": show(answer, zone=clerk.store.zone, now=clock.now()),
        "text": request.POST.get("text", ""),
    }  # fmt: skip
    return render(request, "coupons/verdict.html", context)
