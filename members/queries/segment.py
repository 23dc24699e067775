"""Segments compiled to querysets. Only declared fields can be asked for; values are always parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from members.models import CategoryPurchase, Member
from members.models.member import MemberQuerySet
from members.queries.segment_values import FACTS, OFFERS, Fact, Offers
from members.rules.segment import BASE_FIELDS, FieldSpec, Language, Tree, normalize
from members.rules.segment import sentence as rule_sentence
from members.rules.segment_sentence import fact_sentence, leaf_sentence

Compile = Callable[[str, Any, datetime], Q]


@dataclass(frozen=True)
class SegmentField:
    """
    A field that a room offers to segments: what may be asked, and how it becomes a condition on Member.

    `offers` lists answers for a form where the spec names none; `fact` says what one member is to the field.
    """

    spec: FieldSpec
    compile: Compile
    offers: Offers | None = None
    fact: Fact | None = None


def _number(column: str) -> Compile:
    suffixes = {"at_least": "gte", "at_most": "lte"}
    return lambda op, value, now: Q(**{f"{column}__{suffixes[op]}": value})


def _choice(column: str) -> Compile:
    def compile_choice(op: str, value: Any, now: datetime) -> Q:
        if op == "is":
            return Q(**{column: value})
        inside = Q(**{f"{column}__in": value})
        return ~inside if op == "not_in" else inside

    return compile_choice


def _days_ago(column: str) -> Compile:
    def compile_days(op: str, value: Any, now: datetime) -> Q:
        if op == "never":
            return Q(**{f"{column}__isnull": True})
        suffix = "lt" if op == "more_than" else "gte"
        return Q(**{f"{column}__{suffix}": now - timedelta(days=value)})

    return compile_days


def _age(op: str, value: Any, now: datetime) -> Q:
    youngest, oldest = value
    today = timezone.localdate(now)
    return Q(birthday__lte=_years_before(today, youngest), birthday__gt=_years_before(today, oldest + 1))


def _years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 29 February falls on the 28th where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _category(op: str, value: Any, now: datetime) -> Q:
    bought = CategoryPurchase.objects.filter(member=OuterRef("pk"), category=value["category"])
    if value["within_days"] is not None:
        bought = bought.filter(last_bought_at__gte=now - timedelta(days=value["within_days"]))
    return ~Q(Exists(bought)) if op == "not_bought" else Q(Exists(bought))


COMPILERS: dict[str, Compile] = {
    "city": _choice("city"),
    "home_store": _choice("home_store__code"),
    "gender": _choice("gender"),
    "level": _choice("level"),
    "joined_days": _days_ago("joined_at"),
    "last_purchase_days": _days_ago("last_purchase_at"),
    "purchase_count": _number("purchase_count"),
    "spend_fen": _number("spend_fen"),
    "birthday_month": _choice("birthday__month"),
    "age": _age,
    "category": _category,
    "rfm_r": _number("rfm_r"),
    "rfm_f": _number("rfm_f"),
    "rfm_m": _number("rfm_m"),
    "lifecycle": _choice("lifecycle"),
    "income_band": _choice("income_band"),
    "household_size": _number("household_size"),
    "kids": _number("kids"),
}


@cache
def fields() -> dict[str, SegmentField]:
    """All fields by name: this room's, and those that upper rooms name in settings.SEGMENT_FIELDS."""
    found = {
        name: SegmentField(spec, COMPILERS[name], OFFERS.get(name), FACTS[name]) for name, spec in BASE_FIELDS.items()
    }
    for path in settings.SEGMENT_FIELDS:
        found |= {one.spec.name: one for one in import_string(path)()}
    return found


def catalogue() -> dict[str, FieldSpec]:
    """What may be asked of a member."""
    return {name: one.spec for name, one in fields().items()}


def normal_rule(tree: object) -> Tree:
    """The normal form of a rule tree. Raises SegmentRefused."""
    return normalize(tree, catalogue())


def sentence(tree: Tree, language: str) -> str:
    """The rule read back as one sentence, in Chinese or English."""
    return rule_sentence(tree, catalogue(), _language(language))


def rule_words(rule: Tree, language: str) -> str:
    """One rule in normal form, read back."""
    return leaf_sentence(rule, fields()[rule["field"]].spec, _language(language))


def fact_words(rule: Tree, fact: Any, language: str) -> str:
    """What a member is to the field of a rule."""
    return fact_sentence(rule, fields()[rule["field"]].spec, fact, _language(language))


def _language(code: str) -> Language:
    return "zh-hans" if code.startswith("zh") else "en"


def members_of(*, rule: Tree, now: datetime) -> MemberQuerySet:
    """Members that a rule in normal form picks at `now`; erased ones never."""
    return Member.objects.present().filter(condition(rule, now))


def condition(node: Tree, now: datetime) -> Q:
    """What a group or a rule in normal form asks of Member at `now`."""
    if "field" in node:
        return fields()[node["field"]].compile(node["op"], node["value"], now)
    parts = [condition(rule, now) for rule in node["rules"]]
    joined = Q()
    for part in parts:
        joined = joined & part if node["op"] == "all" else joined | part
    return ~joined if node["op"] == "none" else joined


def count(*, rule: Tree, now: datetime) -> int:
    """How many members the rule picks at `now`."""
    return members_of(rule=rule, now=now).count()
