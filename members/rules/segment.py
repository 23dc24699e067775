"""
The grammar of a segment: a tree of JSON, its normal form, and the sentence that reads it back.

A group is {"op": "all" | "any" | "none", "rules": [...]}, a leaf {"field": ..., "op": ..., "value": ...}.
In the normal form equal nested groups are flattened, lists of values sorted and distinct, repeated rules
left out, other keys dropped; two trees that differ only in writing have the same one.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from members.rules.segment_fields import BASE_FIELDS, Choice, FieldKind, FieldSpec, Phrase
from members.rules.segment_sentence import Language, group_sentence

__all__ = [
    "BASE_FIELDS",
    "Choice",
    "FieldKind",
    "FieldSpec",
    "Language",
    "Phrase",
    "SegmentRefused",
    "Tree",
    "normalize",
    "sentence",
]

DEEPEST = 4
MOST_LEAVES = 50
MOST_VALUES = 500
LONGEST_TEXT = 64
GROUP_OPS = ("all", "any", "none")

Tree = dict[str, Any]
Catalogue = Mapping[str, FieldSpec]

_SENTENCES = {
    "MALFORMED": "This is neither a group nor a rule.",
    "UNKNOWN_FIELD": "There is no such field.",
    "UNKNOWN_OP": "The field can't be asked like this.",
    "BAD_VALUE": "The value does not fit the question.",
    "TOO_DEEP": "Groups are nested more than four deep.",
    "TOO_MANY_RULES": "A segment has at most 50 rules.",
    "EMPTY_GROUP": "A group needs at least one rule.",
}


class SegmentRefused(ValueError):
    """A tree is no segment; `path` ("rules.0.value") says where, `code` why."""

    def __init__(self, code: str, path: str) -> None:
        super().__init__(f"{path or 'segment'}: {_SENTENCES[code]}")
        self.code = code
        self.path = path


def normalize(tree: object, catalogue: Catalogue) -> Tree:
    """The normal form of a tree, always a group; a normal form is its own. Raises SegmentRefused."""
    root = tree if isinstance(tree, dict) and "rules" in tree else {"op": "all", "rules": [tree]}
    leaves: list[Tree] = []
    normal = _collapsed(_group(root, "", 1, catalogue, leaves))
    return normal if "rules" in normal else {"op": "all", "rules": [normal]}


def sentence(tree: object, catalogue: Catalogue, language: Language) -> str:
    """Read a segment back as one sentence. Raises SegmentRefused for a tree that is no segment."""
    return group_sentence(normalize(tree, catalogue), catalogue, language)


def _group(group: Tree, path: str, depth: int, catalogue: Catalogue, leaves: list[Tree]) -> Tree:
    """The normal form of a group; adds its leaves to `leaves`, which are counted over the whole tree."""
    if depth > DEEPEST:
        raise SegmentRefused("TOO_DEEP", path)
    op, rules = group.get("op"), group["rules"]
    if op not in GROUP_OPS or not isinstance(rules, list):
        raise SegmentRefused("MALFORMED", path)
    if not rules:
        raise SegmentRefused("EMPTY_GROUP", path)
    normal: list[Tree] = []
    for index, rule in enumerate(rules):
        child = _rule(rule, f"{path}.rules.{index}".lstrip("."), depth, catalogue, leaves)
        spliced = child["rules"] if _melts(child, op) else [child]
        normal += [rule for rule in spliced if rule not in normal]
    return {"op": op, "rules": normal}


def _rule(rule: object, path: str, depth: int, catalogue: Catalogue, leaves: list[Tree]) -> Tree:
    if not isinstance(rule, dict):
        raise SegmentRefused("MALFORMED", path)
    if "rules" in rule:
        return _collapsed(_group(rule, path, depth + 1, catalogue, leaves))
    leaf = _leaf(rule, path, catalogue)
    leaves.append(leaf)
    if len(leaves) > MOST_LEAVES:
        raise SegmentRefused("TOO_MANY_RULES", path)
    return leaf


def _collapsed(group: Tree) -> Tree:
    """A group of one is its one rule, unless it denies it."""
    return group["rules"][0] if group["op"] != "none" and len(group["rules"]) == 1 else group


def _melts(child: Tree, parent_op: str) -> bool:
    """Whether a group's rules may stand among its parent's: all in all, any in any, any in none."""
    melting = {"all": "all", "any": "any", "none": "any"}[parent_op]
    return "rules" in child and child["op"] == melting


def _leaf(rule: Tree, path: str, catalogue: Catalogue) -> Tree:
    name, op = rule.get("field"), rule.get("op")
    if not isinstance(name, str):
        raise SegmentRefused("MALFORMED", path)
    spec = catalogue.get(name)
    if spec is None:
        raise SegmentRefused("UNKNOWN_FIELD", f"{path}.field")
    if not isinstance(op, str) or op not in spec.ops or op not in _VALUES:
        raise SegmentRefused("UNKNOWN_OP", f"{path}.op")
    try:
        value = _VALUES[op](rule.get("value"), spec)
    except _Unfit:
        raise SegmentRefused("BAD_VALUE", f"{path}.value") from None
    return {"field": name, "op": op, "value": value}


class _Unfit(Exception):
    """The value does not fit; `_leaf` knows where it stands."""


def _one(value: object, spec: FieldSpec) -> str | int | bool:
    """One value of the field's kind."""
    if spec.kind == "BOOLEAN":
        if not isinstance(value, bool):
            raise _Unfit
        return value
    if spec.choices:
        # bool is an int in Python: True would pass for the choice 1.
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _Unfit
        if value not in [choice.value for choice in spec.choices]:
            raise _Unfit
        return value
    if spec.kind in {"INTEGER", "MONEY", "DAYS_AGO"}:
        return _number(value, spec)
    if spec.kind == "DATE":
        return _date(value)
    return _text(value)


def _number(value: object, spec: FieldSpec) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not spec.minimum <= value <= spec.maximum:
        raise _Unfit
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value.strip()) > LONGEST_TEXT:
        raise _Unfit
    text = value.strip()
    if not text.isprintable():
        raise _Unfit
    return text


def _date(value: object) -> str:
    try:
        return date.fromisoformat(_text(value)).isoformat()
    except ValueError:
        raise _Unfit from None


def _bound(value: object, spec: FieldSpec) -> str | int:
    return _date(value) if spec.kind == "DATE" else _number(value, spec)


def _values(value: object, spec: FieldSpec) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
        raise _Unfit
    one = [_one(each, spec) for each in value]
    # A field's values are of one type, but a catalogue may mix texts and numbers in its choices.
    return sorted(set(one), key=lambda each: (isinstance(each, str), each))


def _between(value: object, spec: FieldSpec) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise _Unfit
    low, high = _bound(value[0], spec), _bound(value[1], spec)
    if str(low) > str(high) if spec.kind == "DATE" else int(low) > int(high):
        raise _Unfit
    return [low, high]


def _nothing(value: object, spec: FieldSpec) -> None:
    """`never` asks without a value; whatever a form sends along is dropped."""


def _category(value: object, spec: FieldSpec) -> Tree:
    if not isinstance(value, dict):
        raise _Unfit
    days = value.get("within_days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= 3_650):
        raise _Unfit
    return {"category": _text(value.get("category")), "within_days": days}


_VALUES: dict[str, Callable[[object, FieldSpec], Any]] = {
    "in": _values,
    "not_in": _values,
    "is": _one,
    "at_least": _bound,
    "at_most": _bound,
    "more_than": _bound,
    "less_than": _bound,
    "before": _bound,
    "since": _bound,
    "between": _between,
    "never": _nothing,
    "bought": _category,
    "not_bought": _category,
}
