"""What the pages of an import call things."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.services.imports.errors import reason_sentence

FIELD_LABELS: dict[str, Any] = {
    "card_no": _("Card number"), "phone": _("Phone"), "name": _("Full name"), "gender": _("Gender"),
    "birthday": _("Birthday"), "home_store": _("Home store"), "city": _("City"), "joined_at": _("Member since"),
    "income_band": _("Income band"), "household_size": _("Household size"), "kids": _("Children"),
    "level": _("Level"), "marketing_consent": _("Marketing consent"), "store_code": _("Store code"),
    "order_no": _("Order number"), "paid_at": _("Paid at"), "amount": _("Amount paid"), "discount": _("Discount"),
    "lines": _("Number of lines"), "sku": _("SKU"), "product": _("Product"), "category": _("Category"),
    "quantity": _("Quantity"),
}  # fmt: skip

STORE_NAME = _("Store name")

ROW_IS: dict[str, Any] = {
    "MEMBERS": _("one member"), "STORES": _("one store"), "ORDERS": _("one order"),
    "ORDER_LINES": _("one line of an order"),
}  # fmt: skip

OUTCOMES: dict[str, Any] = {
    "NEW": _("New"), "CHANGED": _("Changed"), "SAME": _("Same"), "REFUSED": _("Refused"),
}  # fmt: skip


def label_of(kind: str, field: str) -> Any:
    """What a field of a kind of file is called."""
    return STORE_NAME if (kind, field) == ("STORES", "name") else FIELD_LABELS[field]


def reasons_of(reasons: dict[str, int]) -> list[tuple[str, int, int]]:
    """Refusals as sentence, rows, and thousandths of the largest; the most frequent first."""
    largest = max(reasons.values(), default=0)
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(reason_sentence(code), count, count * 1_000 // largest) for code, count in ranked]


def shown_samples(samples: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The sampled rows of each outcome in words, outcomes without a row left out."""
    found = []
    for outcome, label in OUTCOMES.items():
        rows = [
            {
                **row, "reason": reason_sentence(row["reason"]) if "reason" in row else "",
                "change": [(FIELD_LABELS[field], old, new) for field, old, new in row.get("change", [])],
            }
            for row in samples.get(outcome, [])
        ]  # fmt: skip
        if rows:
            found.append({"code": outcome, "label": label, "rows": rows})
    return found
