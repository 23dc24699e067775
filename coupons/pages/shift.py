"""The clerk's shift: begin, see the totals, hand over, print the slip."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from coupons.models import Shift
from coupons.pages.clerk import Clerk, till_page
from coupons.pages.history import recent_context
from coupons.queries.shifts import shift_figures
from coupons.serializers.shifts import show_shift
from coupons.services import shifts as services
from foundation import clock
from foundation.errors import DomainError

BAD_NUMBER = -1  # no shift has it
MOST_BLOCKING = 2  # the one on this till and one's own on another


def shift_start(request: HttpRequest, clerk: Clerk, *, error: str = "", is_missing: bool = False) -> HttpResponse:
    """Offer to begin; name whose shift has to be handed over before."""
    blocking = services.blocking_shifts(store=clerk.store, device_id=clerk.device_id, by=clerk.operator)
    context = {
        "clerk": clerk, "now": clock.now(), **recent_context(clerk), "blocking": blocking, "error": error,
        "is_missing": is_missing,
    }  # fmt: skip
    refused = error or (is_missing and request.method == "POST")
    return render(request, "coupons/shift_start.html", context, status=409 if refused else 200)


@till_page
def shift(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """The open shift with its totals so far."""
    if clerk.shift is None:
        return shift_start(request, clerk)
    return _close_page(request, clerk, clerk.shift)


def _close_page(request: HttpRequest, clerk: Clerk, found: Shift, *, error: str = "") -> HttpResponse:
    context = {
        "clerk": clerk, "now": clock.now(), **recent_context(clerk), "error": error, "shift": _shown(found),
    }  # fmt: skip
    return render(request, "coupons/shift.html", context, status=409 if error else 200)


def _shown(found: Shift) -> dict[str, Any]:
    now = clock.now()
    return show_shift(found, shift_figures(shift=found, now=now), now=now)


@require_POST
@till_page
def begin(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Begin; shifts that block and that the clerk named are handed over first."""
    named = [_number(text) for text in request.POST.getlist("instead_of")[:MOST_BLOCKING]]
    try:
        services.open_shift(
            store=clerk.store, device_id=clerk.device_id, by=clerk.operator, instead_of=named, now=clock.now()
        )  # fmt: skip
    except Shift.DoesNotExist as missing:
        raise Http404 from missing
    except DomainError as refusal:
        return shift_start(request, clerk, error=str(refusal))
    return redirect("coupons:till")


@require_POST
@till_page
def end(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Hand over; then the slip."""
    shift_id = _number(request.POST.get("shift", ""))
    try:
        services.close_shift(shift_id=shift_id, device_id=clerk.device_id, by=clerk.operator, now=clock.now())
    except Shift.DoesNotExist as missing:
        raise Http404 from missing
    except DomainError as refusal:
        if clerk.shift is not None:
            return _close_page(request, clerk, clerk.shift, error=str(refusal))
        return shift_start(request, clerk, error=str(refusal))
    return redirect("coupons:till_slip", shift_id=shift_id)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else BAD_NUMBER


@till_page
def slip(request: HttpRequest, clerk: Clerk, shift_id: int) -> HttpResponse:
    """The slip, 80 mm wide; for the clerk, for who handed over, for the store's manager."""
    found = Shift.objects.select_related("store", "clerk").filter(pk=shift_id).first()
    if found is None or not _may_see(found, clerk):
        raise Http404
    context = {"clerk": clerk, "now": clock.now(), "shift": _shown(found)}
    return render(request, "coupons/slip.html", context)


def _may_see(found: Shift, clerk: Clerk) -> bool:
    is_mine = clerk.operator.pk in (found.clerk_id, found.closed_by_id)
    return is_mine or (clerk.is_manager and found.store_id == clerk.store.pk)
