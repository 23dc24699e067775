"""Where a clerk works: the store of their session, its business day."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from foundation.models import Operator
from members.models import Store
from members.queries.stores import stores_of

STORE_KEY = "till_store_id"


def store_of_session(*, operator: Operator, store_id: Any, now: datetime) -> Store | None:
    """The store a session remembers, if the operator still works for it; the only one when there is one."""
    stores = stores_of(operator_id=operator.pk, now=now)
    if store_id is None and len(stores) == 1:
        return stores[0]
    return next((store for store in stores if store.pk == store_id), None)


def business_date(*, store: Store, now: datetime) -> date:
    """The day at the store's till."""
    return now.astimezone(ZoneInfo(store.zone)).date()
