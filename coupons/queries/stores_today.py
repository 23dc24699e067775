"""What the tills of each store do today: one line a store, for whoever watches several."""

from dataclasses import dataclass
from datetime import datetime

from foundation.db import fetch_dicts, load_sql
from foundation.row_scope import stores_parameter


@dataclass(frozen=True, slots=True)
class StoreToday:
    """A store's business day so far, by the clock at its till, and the seven days up to it. Money in fen."""

    id: int
    code: str
    name: str
    city: str
    is_active: bool
    redeemed: int
    saving_fen: int
    undone: int
    refused: int
    week_redeemed: int
    week_saving_fen: int


def stores_today(*, now: datetime) -> list[StoreToday]:
    """Every store in row scope, the busiest first."""
    facts = {"now": now, "stores": stores_parameter()}
    return [StoreToday(**row) for row in fetch_dicts(load_sql("coupons", "stores_today"), facts)]
