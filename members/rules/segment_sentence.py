"""Reads a segment in normal form back to people, in Chinese or English."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from foundation.money import format_fen
from members.rules.segment_fields import FieldSpec

Language = Literal["zh-hans", "en"]
# More values than these are counted, not named.
NAMED_VALUES = 6

_PHRASES: dict[Language, dict[str, str]] = {
    "zh-hans": {
        "in": "{label}是{value}",
        "not_in": "{label}不是{value}",
        "is": "{label}是{value}",
        "at_least": "{label}至少{value}",
        "at_most": "{label}至多{value}",
        "more_than": "{label}超过{value}",
        "less_than": "{label}不到{value}",
        "before": "{label}早于{value}",
        "since": "{label}不早于{value}",
        "between": "{label}在{value}之间",
        "never": "从未{label}",
        "bought": "{value}",
        "not_bought": "{value}",
    },
    "en": {
        "in": "{label} is {value}",
        "not_in": "{label} is not {value}",
        "is": "{label} is {value}",
        "at_least": "{label} at least {value}",
        "at_most": "{label} at most {value}",
        "more_than": "{label} more than {value}",
        "less_than": "{label} less than {value}",
        "before": "{label} before {value}",
        "since": "{label} on or after {value}",
        "between": "{label} between {value}",
        "never": "never {label}",
        "bought": "{value}",
        "not_bought": "{value}",
    },
}
_STORE_PHRASES = {"in": "{label}在{value}", "not_in": "{label}不在{value}"}
_JOINTS: dict[Language, dict[str, str]] = {
    "zh-hans": {"all": "，且", "any": "，或", "none": "，或"},
    "en": {"all": ", and ", "any": ", or ", "none": ", or "},
}
_BORDER = re.compile(r"(?<=[\u4e00-\u9fff])(?=[!-~])|(?<=[!-~])(?=[\u4e00-\u9fff])")


def group_sentence(group: Mapping[str, Any], catalogue: Mapping[str, FieldSpec], language: Language) -> str:
    """The sentence of a group; inner groups stand in brackets."""
    opening, closing = ("（", "）") if language == "zh-hans" else ("(", ")")
    parts = []
    for rule in group["rules"]:
        if "rules" not in rule:
            parts.append(leaf_sentence(rule, catalogue[rule["field"]], language))
            continue
        inner = group_sentence(rule, catalogue, language)
        parts.append(inner if rule["op"] == "none" else f"{opening}{inner}{closing}")
    joined = _JOINTS[language][group["op"]].join(parts)
    if group["op"] == "none":
        return f"{'不符合' if language == 'zh-hans' else 'not '}{opening}{joined}{closing}"
    return joined


def leaf_sentence(rule: Mapping[str, Any], spec: FieldSpec, language: Language) -> str:
    """The sentence of one rule in normal form."""
    phrase = _phrase(rule["op"], spec, language)
    label = spec.label_zh if language == "zh-hans" else spec.label_en
    value = _value(rule["op"], rule["value"], spec, language)
    # Only what we wrote is spaced: a member's own words (a category, a city) stay as they are.
    before, _, after = phrase.replace("{label}", label).partition("{value}")
    if language == "en" or "{value}" not in phrase:
        return before + value * ("{value}" in phrase) + after
    return before + _gap(before, value) + value + _gap(value, after) + after


def fact_sentence(rule: Mapping[str, Any], spec: FieldSpec, fact: Any, language: Language) -> str:
    """
    What a member is to the field of a rule; `fact` in the field's own units, None or "" when nobody knows.

    Of a category and of a day, the fact is how many days ago it was.
    """
    is_zh = language == "zh-hans"
    if spec.kind == "CATEGORY":
        bought = {"category": rule["value"]["category"], "within_days": None}
        words = _category("bought" if fact is not None else "not_bought", bought, language)
        return words if fact is None else f"{words}{'，' if is_zh else ', '}{_ago(fact, is_zh)}"
    label = spec.label_zh if is_zh else spec.label_en
    if fact is None or (fact == "" and not spec.choices):
        known = "没有记录" if is_zh else "not known"
    elif spec.kind == "DAYS_AGO":
        known = _ago(fact, is_zh)
    else:
        known = _with_unit(_bare(fact, spec, language), spec, language)
    return f"{label}：{known}" if is_zh else f"{label}: {known}"


def _ago(days: int, is_zh: bool) -> str:
    return f"{days} 天前" if is_zh else f"{days} days ago"


def _gap(left: str, right: str) -> str:
    """A space where Chinese meets Latin letters or digits."""
    return " " if _BORDER.search(left[-1:] + right[:1]) else ""


def _phrase(op: str, spec: FieldSpec, language: Language) -> str:
    for phrase in spec.phrases:
        if phrase.op == op:
            return phrase.zh if language == "zh-hans" else phrase.en
    if spec.kind == "BOOLEAN":
        return "{label}：{value}" if language == "zh-hans" else "{label}: {value}"
    if spec.kind == "STORE" and language == "zh-hans" and op in _STORE_PHRASES:
        return _STORE_PHRASES[op]
    return _PHRASES[language][op]


def _value(op: str, value: Any, spec: FieldSpec, language: Language) -> str:
    if op == "never":
        return ""
    if op in {"bought", "not_bought"}:
        return _category(op, value, language)
    if op == "between":
        low, high = (_bare(bound, spec, language) for bound in value)
        return _with_unit(f"{low} 到 {high}" if language == "zh-hans" else f"{low} and {high}", spec, language)
    if isinstance(value, list):
        return _listed([_bare(each, spec, language) for each in value], spec, language)
    text = _with_unit(_bare(value, spec, language), spec, language)
    return f"{text} ago" if spec.kind == "DAYS_AGO" and language == "en" else text


def _bare(value: Any, spec: FieldSpec, language: Language) -> str:
    """One value without its unit."""
    for choice in spec.choices:
        if choice.value == value:
            return choice.label_zh if language == "zh-hans" else choice.label_en
    if isinstance(value, bool):
        names = ("是", "否") if language == "zh-hans" else ("yes", "no")
        return names[0] if value else names[1]
    return format_fen(value) if spec.kind == "MONEY" else str(value)


def _with_unit(text: str, spec: FieldSpec, language: Language) -> str:
    if spec.kind == "DATE":
        return text
    kinds = {"MONEY": ("元", "yuan"), "DAYS_AGO": ("天", "days")}
    zh, en = kinds.get(spec.kind, (spec.unit_zh, spec.unit_en))
    return f"{text} {zh if language == 'zh-hans' else en}".rstrip()


def _listed(values: list[str], spec: FieldSpec, language: Language) -> str:
    """A few values by name; of many the first ones and their number."""
    if len(values) > NAMED_VALUES:
        if language == "zh-hans":
            return f"{'、'.join(values[:3])} 等 {len(values)} 个之一"
        return f"one of {', '.join(values[:3])} and {len(values) - 3} more"
    if language == "zh-hans":
        return "、".join(values) if spec.kind == "STORE" else _either(values)
    return " or ".join(values)


def _either(values: list[str]) -> str:
    """Chinese values joined by 或, spaced where they begin or end with Latin letters or digits."""
    text = values[0]
    for value in values[1:]:
        text += _gap(text, "或") + "或" + _gap("或", value) + value
    return text


def _category(op: str, value: Mapping[str, Any], language: Language) -> str:
    days, category = value["within_days"], value["category"]
    if language == "zh-hans":
        bought = "买过" if op == "bought" else "没买过"
        return f"最近 {days} 天{bought} {category}" if days else f"{bought} {category}"
    bought = "bought" if op == "bought" else "has not bought"
    return f"{bought} {category} in the last {days} days" if days else f"{bought} {category}"
