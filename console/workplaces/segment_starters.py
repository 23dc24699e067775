"""Ready segments to begin with; each is an ordinary tree that is then changed as any other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from console.workplaces.segment_draft import Group, Leaf
from members.queries.segment import fields
from members.queries.segment_values import common_categories


@dataclass(frozen=True)
class Starter:
    """A name, what it is good for, and its draft."""

    slug: str
    name: Any
    note: Any
    draft: Callable[[], Group]


def _first(name: str) -> list[str]:
    """The first answer that a field offers, if there is one."""
    offers = fields()[name].offers
    return [str(one.value) for one in (offers() if offers else ())][:1]


def _one(field: str, op: str, *values: str) -> Callable[[], Group]:
    return lambda: Group("all", [Leaf(field, op, list(values))])


STARTERS = (
    Starter(
        "dormant", _("Dormant for 30 days"), _("Bought before, but not in the last 30 days."),
        _one("last_purchase_days", "more_than", "30"),
    ),
    Starter("new", _("New members"), _("Joined in the last 7 days."), _one("joined_days", "less_than", "7")),
    Starter("big", _("Big spenders"), _("The fifth that has spent the most."), _one("rfm_m", "at_least", "5")),
    Starter(
        "category", _("Buyers of a category"), _("Bought one category in the last 90 days."),
        lambda: Group("all", [Leaf("category", "bought", common_categories()[:1], "90")]),
    ),
    Starter(
        "city", _("One city"), _("Everybody who lives in one city."),
        lambda: Group("all", [Leaf("city", "in", _first("city"))]),
    ),
    Starter("never", _("Never bought"), _("Members without a purchase so far."), _one("last_purchase_days", "never")),
)  # fmt: skip


def draft_for(slug: str) -> Group:
    """The draft of a ready segment; of an unknown one the first."""
    return next((one for one in STARTERS if one.slug == slug), STARTERS[0]).draft()
