"""What a segment can ask about a member: the catalogue of fields. Upper rooms add their own specs."""

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["TEXT_CHOICE", "CHOICE", "INTEGER", "MONEY", "DATE", "DAYS_AGO", "BOOLEAN", "CATEGORY", "STORE"]
LARGEST_NUMBER = 10**12


@dataclass(frozen=True, slots=True)
class Choice:
    """One value a field can have, and its names."""

    value: str | int
    label_zh: str
    label_en: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """How a rule with this op reads, where the usual wording is clumsy; `{value}` stands for the value."""

    op: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """
    One field of the catalogue. `choices` empty means any text or number of the kind.

    Numbers lie between `minimum` and `maximum`, both included.
    """

    name: str
    kind: FieldKind
    label_zh: str
    label_en: str
    ops: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    unit_zh: str = ""
    unit_en: str = ""
    minimum: int = 0
    maximum: int = LARGEST_NUMBER
    phrases: tuple[Phrase, ...] = ()


_MANY = ("in", "not_in")
_BOUNDS = ("at_least", "at_most")
_DAYS = 36_500

GENDERS = (Choice("F", "女", "female"), Choice("M", "男", "male"), Choice("", "未知", "unknown"))
LIFECYCLES = (
    Choice("PROSPECT", "未购买", "prospect"),
    Choice("NEW", "新客", "new"),
    Choice("ACTIVE", "活跃", "active"),
    Choice("DORMANT", "沉睡", "dormant"),
    Choice("LOST", "流失", "lost"),
)
MONTHS = tuple(Choice(month, f"{month} 月", f"month {month}") for month in range(1, 13))


def _band(letter: str, label_zh: str, label_en: str) -> FieldSpec:
    name = f"rfm_{letter.lower()}"
    return FieldSpec(name, "INTEGER", f"{letter} 分（{label_zh}）", f"{letter} score ({label_en})", _BOUNDS,
                     unit_zh="分", minimum=1, maximum=5)  # fmt: skip


_BASE = (
    FieldSpec("city", "TEXT_CHOICE", "城市", "city", _MANY),
    FieldSpec("home_store", "STORE", "归属门店", "home store", _MANY),
    FieldSpec("gender", "CHOICE", "性别", "gender", ("is",), GENDERS),
    FieldSpec("level", "TEXT_CHOICE", "会员等级", "level", ("in",)),
    FieldSpec("joined_days", "DAYS_AGO", "入会", "joined", ("more_than", "less_than"), maximum=_DAYS),
    FieldSpec(
        "last_purchase_days", "DAYS_AGO", "最近一次购买", "last purchase",
        ("more_than", "less_than", "never"), maximum=_DAYS,
        phrases=(Phrase("never", "从未购买", "never bought"),),
    ),
    FieldSpec("purchase_count", "INTEGER", "购买次数", "number of purchases", _BOUNDS, unit_zh="次"),
    FieldSpec("spend_fen", "MONEY", "累计消费", "spend", _BOUNDS),
    FieldSpec(
        "birthday_month", "INTEGER", "生日月份", "birthday month", ("in",), MONTHS, minimum=1, maximum=12,
        phrases=(Phrase("in", "生日在{value}", "birthday in {value}"),),
    ),
    FieldSpec("age", "INTEGER", "年龄", "age", ("between",), unit_zh="岁", maximum=150),
    FieldSpec("category", "CATEGORY", "购买品类", "category", ("bought", "not_bought")),
    _band("R", "最近购买", "recency"),
    _band("F", "购买频次", "frequency"),
    _band("M", "消费金额", "money"),
    FieldSpec("lifecycle", "CHOICE", "生命周期", "lifecycle", ("in",), LIFECYCLES),
    FieldSpec("income_band", "TEXT_CHOICE", "收入段", "income band", ("in",)),
    FieldSpec(
        "household_size", "INTEGER", "家庭人数", "household size", _BOUNDS, unit_zh="人", maximum=99,
    ),
    FieldSpec(
        "kids", "INTEGER", "孩子数量", "number of children", ("at_least",), unit_zh="个", maximum=99,
    ),
)  # fmt: skip

BASE_FIELDS: dict[str, FieldSpec] = {spec.name: spec for spec in _BASE}
