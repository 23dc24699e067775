"""
Placeholders of a text: {name}, {name|会员} with a fallback, {coupon_code}, {expires}, the links, and {answer} for
what staff write back to one person.

A brace is always a placeholder's; there is no way to write one into a text, and no carrier needs one.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

FIELDS = ("name", "coupon_code", "coupon_link", "expires", "preference_link", "answer")
FIELDS_WITH_FALLBACK = frozenset({"name"})

# What staff read, and may type, in the place of a field's name.
SPOKEN = {
    "name": "称呼", "coupon_code": "券码", "coupon_link": "个人券", "expires": "券到期日",
    "preference_link": "消息设置", "answer": "答复",
}  # fmt: skip
_WRITTEN = {word: field for field, word in SPOKEN.items()}

# The widest value each field can have, for the worst case; a name's real maximum comes from the audience.
EXAMPLE_WIDTHS: dict[str, str] = {
    "name": "欧阳娜娜",
    "coupon_code": "7K3M-9QX2-TD5V",
    "coupon_link": "https://c.example.cn/c/8fK2mQx9Z1b",
    "expires": "12月31日",
    "preference_link": "https://c.example.cn/p/8fK2mQx9Z1b",
    "answer": "您好，这张券在全市各门店都能用，生鲜区除外，有效期到月底，欢迎到店，有问题请打门店电话。",
}

_FIELD = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
_NOT_SHOWN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


class MergeFieldMissing(ValueError):
    """A person has no value for a field that has no fallback; `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"There is no value for {{{field}}} and no fallback.")
        self.field = field


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is the same for everyone."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A placeholder; `fallback` None means a value is required."""

    name: str
    fallback: str | None = None


class Problem(NamedTuple):
    """What is wrong with a body; `detail` is the piece of text it concerns."""

    code: str
    detail: str


def parse(body: str) -> list[Literal | Field]:
    """Split a body into text and placeholders; what is no well-formed placeholder stays text."""
    parts: list[Literal | Field] = []
    end = 0
    for found in _FIELD.finditer(body):
        if found.start() > end:
            parts.append(Literal(body[end : found.start()]))
        fallback = found[2]
        parts.append(Field(found[1].strip(), None if fallback is None else fallback.strip()))
        end = found.end()
    if end < len(body):
        parts.append(Literal(body[end:]))
    return parts


def fields_in(body: str) -> frozenset[str]:
    """The names of all placeholders of a body, known or not."""
    return frozenset(part.name for part in parse(body) if isinstance(part, Field))


def spoken(body: str) -> str:
    """A body with its fields named in Chinese, as staff edit it: {name|会员} becomes {称呼|会员}."""
    return _renamed(body, SPOKEN)


def written(typed: str) -> str:
    """What staff typed with the fields named as they are kept; names that nobody knows stay."""
    return _renamed(typed, _WRITTEN)


def _renamed(body: str, names: Mapping[str, str]) -> str:
    def rename(found: re.Match[str]) -> str:
        name = names.get(found[1].strip())
        if name is None:
            return found[0]
        return f"{{{name}}}" if found[2] is None else f"{{{name}|{found[2]}}}"

    return _FIELD.sub(rename, body)


def fill(body: str, values: Mapping[str, str]) -> str:
    """Fill one body for one person; for many persons compile it once. Raises MergeFieldMissing."""
    return compile_body(body)(values)


def compile_body(body: str) -> Callable[[Mapping[str, str]], str]:
    """
    Make the function that fills a body from a person's values.

    An empty or missing value takes the fallback; without one the function raises MergeFieldMissing.
    Values are put in as they are: braces in a name are no placeholders.
    """
    parts = parse(body)
    fields = [part for part in parts if isinstance(part, Field)]
    # The % operator joins in C; every literal per cent sign is doubled for it.
    pattern = "".join(part.text.replace("%", "%%") if isinstance(part, Literal) else "%s" for part in parts)
    wanted = [(field.name, field.fallback or None) for field in fields]

    def fill_compiled(values: Mapping[str, str]) -> str:
        get = values.get
        filled = tuple([get(name) or fallback for name, fallback in wanted])
        if None in filled:
            raise MergeFieldMissing(wanted[filled.index(None)][0])
        return pattern % filled

    return fill_compiled


def worst_case_values(longest: Mapping[str, str] | None = None) -> dict[str, str]:
    """The widest value of each field; `longest` overrides what an audience knows better."""
    return EXAMPLE_WIDTHS | dict(longest or {})


def validate(body: str) -> list[Problem]:
    """
    All that keeps a body from being sent, in reading order of kinds; an empty list means fine.

    Codes: EMPTY_BODY, LINE_BREAK, INVISIBLE_CHARACTER, UNCLOSED_BRACE, UNKNOWN_FIELD,
    FALLBACK_NOT_ALLOWED, FALLBACK_EMPTY.
    """
    if not body.strip():
        return [Problem("EMPTY_BODY", "")]
    problems = _character_problems(body)
    for part in parse(body):
        if isinstance(part, Field):
            problems += _field_problems(part)
        elif "{" in part.text or "}" in part.text:
            problems.append(Problem("UNCLOSED_BRACE", part.text.strip()))
    return problems


def _character_problems(body: str) -> list[Problem]:
    """Line breaks and characters no phone shows, each kind of character once."""
    problems = []
    for character in dict.fromkeys(body):
        # A zero-width joiner holds emoji families together, but carriers drop those anyway.
        if character in "\r\n\u2028\u2029":
            problems.append(Problem("LINE_BREAK", f"U+{ord(character):04X}"))
        elif unicodedata.category(character) in _NOT_SHOWN:
            problems.append(Problem("INVISIBLE_CHARACTER", f"U+{ord(character):04X}"))
    return problems


def _field_problems(field: Field) -> list[Problem]:
    if field.name not in FIELDS:
        return [Problem("UNKNOWN_FIELD", field.name)]
    if field.fallback is None:
        return []
    if field.name not in FIELDS_WITH_FALLBACK:
        return [Problem("FALLBACK_NOT_ALLOWED", field.name)]
    return [] if field.fallback else [Problem("FALLBACK_EMPTY", field.name)]
