"""What a form may offer as answers to a segment's questions, and what one member is to them."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from foundation.db import fetch_all
from members.models import CategoryPurchase, Member, Store
from members.rules.segment import Choice

Offers = Callable[[], Sequence[Choice]]
Fact = Callable[[Member, Any, datetime], Any]

LATEST_ROWS = 1_000

# Jumps from value to value through an index that begins with the column, however many rows there are.
_JUMP = """
WITH RECURSIVE seen AS (
    (SELECT {column} AS value FROM {table} ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM {table} WHERE {column} > seen.value ORDER BY {column} LIMIT 1)
      FROM seen WHERE seen.value IS NOT NULL
)
SELECT value FROM seen WHERE value <> ''
"""


def _words(values: Sequence[str]) -> list[Choice]:
    return [Choice(value, value, value) for value in values]


def _indexed(table: str, column: str) -> Offers:
    return lambda: _words([row[0] for row in fetch_all(_JUMP.format(table=table, column=column))])


def _distinct(column: str) -> Offers:
    found = Member.objects.exclude(**{column: ""}).order_by(column).values_list(column, flat=True).distinct()
    return lambda: _words(list(found.all()))


def _stores() -> list[Choice]:
    found = Store.objects.order_by("city", "code").values_list("code", "name", "city")
    names = [(code, " · ".join(filter(None, (name, city, code)))) for code, name, city in found]
    return [Choice(code, name, name) for code, name in names]


def common_categories() -> list[str]:
    """Categories that members buy often, the most often first, judged by the latest thousand rows."""
    latest = CategoryPurchase.objects.order_by("-id").values_list("category", flat=True)[:LATEST_ROWS]
    return [category for category, _count in Counter(latest).most_common() if category]


OFFERS: dict[str, Offers] = {
    "city": _indexed("members_member", "city"),
    "category": _indexed("members_categorypurchase", "category"),
    "level": _distinct("level"),
    "income_band": _distinct("income_band"),
    "home_store": _stores,
}


def _column(name: str) -> Fact:
    return lambda member, value, now: getattr(member, name)


def _days_since(name: str) -> Fact:
    def days(member: Member, value: Any, now: datetime) -> int | None:
        at: datetime | None = getattr(member, name)
        return None if at is None else (now - at).days

    return days


def _store(member: Member, value: Any, now: datetime) -> str | None:
    return member.home_store.name if member.home_store else None


def _month(member: Member, value: Any, now: datetime) -> int | None:
    return member.birthday.month if member.birthday else None


def _age(member: Member, value: Any, now: datetime) -> int | None:
    return age_on(timezone.localdate(now), member.birthday) if member.birthday else None


def age_on(day: date, birthday: date) -> int:
    """Whole years on a day; who was born on 29 February grows older on 1 March."""
    return day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))


def _category_days(member: Member, value: Any, now: datetime) -> int | None:
    """Days since the category was last bought; needs `categories` prefetched."""
    bought = [one.last_bought_at for one in member.categories.all() if one.category == value["category"]]
    return (now - bought[0]).days if bought else None


FACTS: dict[str, Fact] = {
    **{name: _column(name) for name in (
        "city", "gender", "level", "purchase_count", "spend_fen", "rfm_r", "rfm_f", "rfm_m", "lifecycle",
        "income_band", "household_size", "kids",
    )},
    "home_store": _store,
    "joined_days": _days_since("joined_at"),
    "last_purchase_days": _days_since("last_purchase_at"),
    "birthday_month": _month,
    "age": _age,
    "category": _category_days,
}  # fmt: skip
