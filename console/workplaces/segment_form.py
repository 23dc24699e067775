"""A segment's draft and its rule tree: typed text into values, values back into text, what is wrong at which rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.workplaces.segment_draft import Group, Leaf, Node, Path, at, nodes
from foundation.money import MoneyRefused, format_fen, parse_yuan
from members.rules.segment import FieldSpec, SegmentRefused, Tree, normalize

Catalogue = Mapping[str, FieldSpec]

MANY = ("in", "not_in")
BOUGHT = ("bought", "not_bought")
DIGITS = 13
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Judged:
    """
    What a draft comes to: its tree when it can be used, else what is wrong at which node (`errors`, by code).

    The tree keeps the shape of the draft, so that a figure of a node belongs to the node that staff see.
    """

    tree: Tree | None
    errors: dict[Path, str]


def judge(draft: Group, catalogue: Catalogue) -> Judged:
    """Every rule on its own, then the tree as a whole."""
    errors = {}
    for path, node in nodes(draft):
        code = _fault(node, catalogue)
        if code:
            errors[path] = code
    if not draft.rules:
        errors[()] = "EMPTY_GROUP"
    if errors:
        return Judged(None, errors)
    tree = _shape(draft, catalogue)
    try:
        normalize(tree, catalogue)
    except SegmentRefused as refused:
        return Judged(None, {_path_in(refused.path): refused.code})
    return Judged(tree, {})


def _fault(node: Node, catalogue: Catalogue) -> str:
    if isinstance(node, Group):
        return "" if node.rules else "EMPTY_GROUP"
    try:
        normalize(_leaf(node, catalogue), catalogue)
    except SegmentRefused as refused:
        return refused.code if _is_filled(node) else "UNFILLED"
    return ""


def _is_filled(leaf: Leaf) -> bool:
    return bool(leaf.field) and any(value.strip() for value in leaf.values)


def _path_in(place: str) -> Path:
    """The place of a node from the grammar's words: "rules.0.rules.2.value" is (0, 2)."""
    return tuple(int(word) for word in place.split(".") if word.isdecimal())


def _shape(node: Node, catalogue: Catalogue) -> Tree:
    """The tree of a draft whose rules are all fine; each rule in normal form."""
    if isinstance(node, Group):
        return {"op": node.op, "rules": [_shape(rule, catalogue) for rule in node.rules]}
    leaf: Tree = normalize(_leaf(node, catalogue), catalogue)["rules"][0]
    return leaf


def _leaf(leaf: Leaf, catalogue: Catalogue) -> Tree:
    spec = catalogue.get(leaf.field)
    value = None if spec is None else _value(leaf, spec)
    return {"field": leaf.field, "op": leaf.op, "value": value}


def _value(leaf: Leaf, spec: FieldSpec) -> Any:
    """The value that was meant; what can't be read stays text, which the grammar refuses."""
    if leaf.op in BOUGHT:
        category = leaf.values[0] if leaf.values else ""
        days = leaf.days.strip()
        return {"category": category, "within_days": (_integer(days) if days else None)}
    values = [_typed(text, spec) for text in leaf.values]
    if leaf.op in MANY:
        return [value for value in values if value != "" or spec.choices]
    if leaf.op == "between":
        return values
    return values[0] if values else None


def _typed(text: str, spec: FieldSpec) -> Any:
    if spec.kind == "BOOLEAN":
        return {YES: True, NO: False}.get(text, text)
    for choice in spec.choices:
        if str(choice.value) == text:
            return choice.value
    if spec.kind == "MONEY":
        return _fen(text)
    return _integer(text) if spec.kind in {"INTEGER", "DAYS_AGO"} else text.strip()


def _integer(text: str) -> int | str:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= DIGITS else plain


def _fen(text: str) -> int | str:
    try:
        return parse_yuan(text)
    except MoneyRefused:
        return text


def draft_of(tree: Tree, catalogue: Catalogue) -> Group:
    """The draft of a rule tree, as the form shows it."""
    return Group(tree["op"], [_draft(rule, catalogue) for rule in tree["rules"]])


def _draft(rule: Tree, catalogue: Catalogue) -> Node:
    if "rules" in rule:
        return draft_of(rule, catalogue)
    name, op, value = rule["field"], rule["op"], rule["value"]
    if op in BOUGHT:
        days = value["within_days"]
        return Leaf(name, op, [value["category"]], "" if days is None else str(days))
    values = value if isinstance(value, list) else [] if op == "never" else [value]
    return Leaf(name, op, [_text(one, catalogue[name]) for one in values])


def _text(value: Any, spec: FieldSpec) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if spec.kind == "MONEY":
        return format_fen(value).replace(",", "").removesuffix(".00")
    return str(value)


def take(draft: Group, path: Path, found: list[str]) -> None:
    """Choose everything that a search has found."""
    leaf = at(draft, path)
    if isinstance(leaf, Leaf):
        leaf.values += [value for value in found if value not in leaf.values]
        leaf.find = ""
