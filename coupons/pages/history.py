"""Today's redemptions at the till, and undoing one."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from coupons.models import Redemption, UndoReason
from coupons.pages.clerk import Clerk, till_page
from coupons.queries import till_history, till_refusals
from coupons.serializers import inputs
from coupons.serializers.rows import history_rows, refusal_rows, totals
from coupons.services.reverse import reverse
from coupons.services.till import business_date
from foundation import clock
from foundation.errors import DomainError

SHOWN_BESIDE = 6  # rows in the side column
LISTED_AT_MOST = 1000


def recent_context(clerk: Clerk) -> dict[str, Any]:
    """The clerk's day so far: rows, the last one, totals."""
    now = clock.now()
    found = till_history(
        store_id=clerk.store.pk, clerk_id=None if clerk.is_manager else clerk.operator.pk,
        business_date=business_date(store=clerk.store, now=now), limit=LISTED_AT_MOST,
    )  # fmt: skip
    rows = history_rows(
        found, clerk_id=clerk.operator.pk, device_id=clerk.device_id, is_manager=clerk.is_manager, now=now
    )
    last = rows[0] if rows and rows[0]["has_countdown"] else None
    return {"rows": rows, "beside": rows[:SHOWN_BESIDE], "last": last, "totals": totals(found)}


@till_page
def recent(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """The parts of the till that change after a verdict."""
    return render(request, "coupons/recent.html", {"clerk": clerk, **recent_context(clerk)})


@till_page
def history(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Today's redemptions, with undo where it is still possible; what was refused, what was undone."""
    context = recent_context(clerk)
    shown = request.GET.get("show")
    rows = [row for row in context["rows"] if (row["state"] == "REVERSED") == (shown == "undone")]
    undone = next((row for row in context["rows"] if row["redemption_no"] == request.GET.get("undone")), None)
    context |= {
        "clerk": clerk, "now": clock.now(), "shown": shown, "listed": rows, "refused": _refused_today(clerk),
        "undone": undone,
    }  # fmt: skip
    return render(request, "coupons/history.html", context)


def _refused_today(clerk: Clerk) -> list[dict[str, Any]]:
    zone = ZoneInfo(clerk.store.zone)
    midnight = datetime.combine(business_date(store=clerk.store, now=clock.now()), time.min, zone)
    found = till_refusals(
        store_id=clerk.store.pk, clerk_id=None if clerk.is_manager else clerk.operator.pk, since=midnight,
        limit=LISTED_AT_MOST,
    )  # fmt: skip
    return refusal_rows(found, zone=zone)


@till_page
def undo(request: HttpRequest, clerk: Clerk, redemption_no: str) -> HttpResponse:
    """Ask for the reason, then undo."""
    context = recent_context(clerk)
    row = next((row for row in context["rows"] if row["redemption_no"] == redemption_no), None)
    if row is None or row["undo"] == "NO":
        return redirect("coupons:till_history")
    error = ""
    if request.method == "POST":
        facts = {"device_id": clerk.device_id, "redemption_no": redemption_no, "reason": request.POST.get("reason")}
        error = _undo(clerk, facts)
        if not error:
            response = redirect("coupons:till_history")
            response["Location"] += f"?undone={redemption_no}"
            return response
    context |= {"clerk": clerk, "now": clock.now(), "row": row, "reasons": UndoReason.choices, "error": error}
    return render(request, "coupons/undo.html", context, status=409 if error else 200)


def _undo(clerk: Clerk, facts: dict[str, Any]) -> str:
    """Undo, or say why not."""
    form = inputs.UndoInput(data=facts)
    if not form.is_valid():
        return str(next(iter(form.errors.values()))[0])
    try:
        reverse(**form.validated_data, by=clerk.operator, now=clock.now())
    except (DomainError, Redemption.DoesNotExist) as refusal:
        return str(refusal)
    return ""
