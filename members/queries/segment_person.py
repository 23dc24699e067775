"""Why somebody is in a segment or is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Q, Value, When

from members.models import Member
from members.queries.segment import condition, fields
from members.rules.segment import Tree

MOST_PEOPLE = 5


@dataclass(frozen=True)
class Verdict:
    """
    One node of the tree for one member: whether it holds, and whether its group wants that.

    `fact` is what the member is to the field, None when nobody knows. `rules` are those of a group.
    """

    node: Tree
    holds: bool
    is_wanted: bool
    fact: Any
    rules: list["Verdict"]


def people_of(*, phone_hash: UUID | None = None, card_no: str = "") -> Sequence[Member]:
    """Up to five members by phone or by card number; erased ones never."""
    asked = Q(phone_hash=phone_hash) if phone_hash is not None else Q(card_no=card_no)
    found = Member.objects.present().filter(asked).select_related("home_store").prefetch_related("categories")
    return list(found.order_by("id")[:MOST_PEOPLE])


def verdicts_of(*, people: Sequence[Member], tree: Tree, now: datetime) -> list[Verdict]:
    """The tree judged for each of some members, in their order; the same conditions as the count's."""
    leaves = list(_leaves(tree))
    asked = {
        f"c{number}": Case(When(condition(leaf, now), then=Value(True)), default=Value(False))
        for number, leaf in enumerate(leaves)
    }
    rows = Member.objects.filter(pk__in=[one.pk for one in people]).annotate(**asked).values("pk", *asked)
    answers = {row["pk"]: iter([row[name] for name in asked]) for row in rows}
    return [_verdict(tree, answers[one.pk], one, now, denied=False) for one in people]


def _leaves(node: Tree) -> list[Tree]:
    return [node] if "field" in node else [leaf for rule in node["rules"] for leaf in _leaves(rule)]


def _verdict(node: Tree, answers: Any, member: Member, now: datetime, *, denied: bool) -> Verdict:
    """Takes the answers in the order of the tree's leaves; `denied` inside a group of none."""
    if "field" in node:
        holds = next(answers)
        fact = fields()[node["field"]].fact
        return Verdict(node, holds, holds != denied, fact(member, node["value"], now) if fact else None, [])
    rules = [_verdict(rule, answers, member, now, denied=node["op"] == "none") for rule in node["rules"]]
    held = [rule.holds for rule in rules]
    holds = {"all": all(held), "any": any(held), "none": not any(held)}[node["op"]]
    return Verdict(node, holds, holds != denied, None, rules)
