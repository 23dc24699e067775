"""Stores today: what their tills redeem, for area managers and for whoever watches all of them."""

from dataclasses import fields
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.workplaces.base import page, workplace
from coupons.queries.stores_today import StoreToday, stores_today
from foundation import clock
from foundation.row_scope import stores_in_scope

SUMMED = [field.name for field in fields(StoreToday) if field.type is int and field.name != "id"]


@require_safe
@workplace("coupons.view_redemption", by_store=True)
def own_stores(request: HttpRequest) -> HttpResponse:
    """One line a store, with the line they add up to."""
    now = clock.now()
    rows = stores_today(now=now)
    total: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in SUMMED}
    return page(
        request, "stores_today", _("Stores today"), rows=rows, total=total, now=now,
        is_limited=stores_in_scope() is not None,
    )  # fmt: skip
