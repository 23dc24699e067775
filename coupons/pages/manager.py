"""The store manager's page: own store, today; and undoing after the clerk's minutes."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from coupons.models import Redemption, RedemptionState, UndoReason
from coupons.pages.clerk import Clerk, TillPage, till_page
from coupons.queries import store_day
from coupons.serializers import inputs, words
from coupons.serializers import store_day as shown
from coupons.serializers.rows import history_rows
from coupons.services.reverse import reverse
from coupons.services.till import business_date
from foundation import clock
from foundation.errors import DomainError
from foundation.money import format_fen

LISTED, LISTED_AT_MOST = 8, 500
LONGEST_SEARCH = 40
WEEK = timedelta(days=7)


def manager_page(view: TillPage) -> Callable[..., HttpResponseBase]:
    """Call `view(request, clerk, …)` for somebody who may undo in their store; clerks are told whose page it is."""

    @till_page
    @wraps(view)
    def page(request: HttpRequest, clerk: Clerk, *args: Any, **kwargs: Any) -> HttpResponse:
        if not clerk.is_manager:
            return render(request, "coupons/not_allowed.html", {"is_for_manager": True}, status=403)
        return view(request, clerk, *args, **kwargs)

    return page


@manager_page
def today(request: HttpRequest, clerk: Clerk) -> HttpResponse:
    """Today's figures beside last week's, the hours, the clerks, the redemptions."""
    now = clock.now()
    search = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    limit = LISTED_AT_MOST if search or "all" in request.GET else LISTED
    day = business_date(store=clerk.store, now=now)
    found = store_day.redemptions_of_day(store_id=clerk.store.pk, day=day, search=search, limit=limit)
    rows = _rows(clerk, found, now=now)
    context = {
        "clerk": clerk, "now": now, "local": now.astimezone(ZoneInfo(clerk.store.zone)), "rows": rows,
        "search": search, "shows_all": limit == LISTED_AT_MOST,
        "undone": _just_undone(request, clerk, now=now), **_figures(clerk, now=now),
    }  # fmt: skip
    return render(request, "coupons/manager.html", context)


def _just_undone(request: HttpRequest, clerk: Clerk, *, now: datetime) -> dict[str, Any] | None:
    """The row that the undo page came back from."""
    number = request.GET.get("undone", "")
    found = store_day.redemption_of_store(store_id=clerk.store.pk, redemption_no=number) if number else None
    is_undone = found is not None and found.state == RedemptionState.REVERSED
    return _rows(clerk, [found], now=now)[0] if found is not None and is_undone else None


def _figures(clerk: Clerk, *, now: datetime) -> dict[str, Any]:
    store_id, zone = clerk.store.pk, ZoneInfo(clerk.store.zone)
    day = business_date(store=clerk.store, now=now)
    midnight, before = datetime.combine(day, time.min, zone), day - WEEK
    refusals = store_day.refusals_between(store_id=store_id, start=midnight, end=now)
    hours = store_day.hours_of_days(store_id=store_id, days=[day, before], zone=clerk.store.zone)
    figures = store_day.day_figures(store_id=store_id, day=day, until=now)
    return {
        "tiles": shown.tiles(
            today=figures, before=store_day.day_figures(store_id=store_id, day=before, until=now - WEEK),
            day_before=before, refusals=refusals,
        ),
        "chart": shown.chart(hours=hours, day=day, day_before=before, now=now.astimezone(zone)),
        "board": shown.board(clerks=store_day.clerks_of_day(store_id=store_id, day=day), refusals=refusals),
        "total": figures.count + figures.undone_count, "day_before": before,
    }  # fmt: skip


def _rows(clerk: Clerk, found: list[Redemption], *, now: datetime) -> list[dict[str, Any]]:
    return history_rows(found, clerk_id=clerk.operator.pk, device_id=clerk.device_id, is_manager=True, now=now)


@manager_page
def undo(request: HttpRequest, clerk: Clerk, redemption_no: str) -> HttpResponse:
    """What would be undone and what that means for the drawer; then undo, with a reason."""
    found = store_day.redemption_of_store(store_id=clerk.store.pk, redemption_no=redemption_no)
    if found is None or found.state == RedemptionState.REVERSED:
        return redirect("coupons:till_manager")
    now, error = clock.now(), ""
    if request.method == "POST":
        error = _undo(request, clerk, redemption_no, now=now)
        if not error:
            response = redirect("coupons:till_manager")
            response["Location"] += f"?undone={redemption_no}"
            return response
    context = {
        "clerk": clerk, "now": now, "row": _rows(clerk, [found], now=now)[0], "reasons": UndoReason.choices,
        "error": error, **_undo_facts(found),
    }  # fmt: skip
    return render(request, "coupons/manager_undo.html", context, status=409 if error else 200)


def _undo_facts(found: Redemption) -> dict[str, Any]:
    last = words.last_instant(found.coupon.valid_until, ZoneInfo(found.store.zone))
    day, clerk_id = found.business_date, found.clerk_id
    return {
        "receipt_no": found.receipt_no, "ticket": "" if found.ticket_fen is None else format_fen(found.ticket_fen),
        "end": f"{words.day(last)} {last:%H:%M}",
        "undone_count": store_day.undone_today(clerk_id=clerk_id, store_id=found.store_id, day=day),
    }  # fmt: skip


def _undo(request: HttpRequest, clerk: Clerk, redemption_no: str, *, now: datetime) -> str:
    """Undo, or say why not."""
    facts = {"device_id": clerk.device_id, "redemption_no": redemption_no, "reason": request.POST.get("reason")}
    form = inputs.UndoInput(data=facts)
    if not form.is_valid():
        return str(next(iter(form.errors.values()))[0])
    try:
        reverse(**form.validated_data, by=clerk.operator, now=now)
    except (DomainError, Redemption.DoesNotExist) as refusal:
        return str(refusal)
    return ""
