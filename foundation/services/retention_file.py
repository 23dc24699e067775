"""data_retention.toml: read, and compared with the models that there are."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BinaryField, CharField, DateTimeField, Field, JSONField, Model, TextField
from django.utils.module_loading import import_string

KINDS = ("person", "hash", "derived", "staff", "secret", "keep")  # of fields
AGES = ("days", "months")


class BrokenRetention(Exception):
    """The file can't be read, or says something that can't be done."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A deadline: rows, or `fields` of rows, whose `of` is older than `days` or `months`; or the service that acts."""

    model: type[Model]
    fields: tuple[str, ...] = ()  # none: the rows themselves
    of: str = ""
    days: int | None = None
    months: int | None = None
    where: Mapping[str, Sequence[str]] | None = None
    by: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file says of one model. `rows` None keeps them; `parent` is the row with which they go."""

    model: type[Model]
    why: str
    rows: Rule | None
    parent: str
    blank: Rule | None
    kinds: Mapping[str, str]  # field → kind

    @property
    def rules(self) -> list[Rule]:
        """Its deadlines."""
        return [one for one in (self.rows, self.blank) if one is not None]


def load(path: Path | None = None) -> tuple[dict[str, Kept], frozenset[str]]:
    """The file as models by label, and the labels it leaves out. Raises BrokenRetention with all that is wrong."""
    try:
        told = tomllib.loads((path or settings.RETENTION_FILE).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as broken:
        raise BrokenRetention(f"data_retention.toml can't be read: {broken}") from broken
    without = frozenset(str(told.pop("without", "")).split())
    kept, wrong = {}, []
    for label, facts in told.items():
        try:
            kept[label] = _kept(label, facts)
        except (BrokenRetention, LookupError, ValueError, TypeError, AttributeError) as broken:
            wrong.append(f"{label}: {broken}")
    wrong += _uncovered({*kept, *told} | without, without)
    if wrong:
        raise BrokenRetention("\n".join(wrong))
    return kept, without


def _uncovered(named: set[str], without: frozenset[str]) -> Iterator[str]:
    labels = {model._meta.label for model in apps.get_models() if not model._meta.proxy}
    yield from (f"{label}: this model has no rule" for label in sorted(labels - named))
    yield from (f"{label}: there is no such model" for label in sorted(without - labels))


def _kept(label: str, facts: Mapping[str, Any]) -> Kept:
    model = apps.get_model(label)
    if unknown := set(facts) - {"why", "rows", "blank", *KINDS}:
        raise BrokenRetention(f"nobody knows {', '.join(sorted(unknown))}")
    if not facts.get("why"):
        raise BrokenRetention("it does not say why")
    rows = facts["rows"]
    parent = rows.get("with", "") if isinstance(rows, dict) else ""
    if parent:
        apps.get_model(parent)
    if isinstance(rows, str) and rows != "keep":
        raise BrokenRetention(f"rows = {rows} says nothing")
    deadline = _rule(model, rows) if isinstance(rows, dict) and not parent else None
    blank = facts.get("blank")
    return Kept(model, facts["why"], deadline, parent, _blank(model, blank) if blank else None, _kinds(model, facts))


def _kinds(model: type[Model], facts: Mapping[str, Any]) -> dict[str, str]:
    names = [(name, kind) for kind in KINDS for name in str(facts.get(kind, "")).split()]
    there, count = {one.name for one in model._meta.concrete_fields}, Counter(name for name, _kind in names)
    faults = [
        *(f"field {name} has no rule" for name in sorted(there - set(count))),
        *(f"there is no field {name}" for name in sorted(set(count) - there)),
        *(f"field {name} has two rules" for name in sorted(count) if count[name] > 1),
    ]
    if faults:
        raise BrokenRetention("; ".join(faults))
    return dict(names)


def _blank(model: type[Model], facts: Mapping[str, Any]) -> Rule:
    fields = str(facts.get("fields", "")).split()
    rule = _rule(model, {name: value for name, value in facts.items() if name != "fields"}, fields)
    if not fields:
        raise BrokenRetention("blank names no field")
    for name in fields:
        empty_of(_field(model, name))
    return rule


def _rule(model: type[Model], facts: Mapping[str, Any], fields: Sequence[str] = ()) -> Rule:
    if unknown := set(facts) - {"days", "months", "of", "where", "by", "task"}:
        raise BrokenRetention(f"nobody knows {', '.join(sorted(unknown))}")
    if "by" in facts:
        return _service(model, facts, fields)
    ages = [name for name in AGES if name in facts]
    if len(ages) != 1 or not isinstance(_field(model, str(facts.get("of", ""))), DateTimeField):
        raise BrokenRetention("a deadline needs days or months, and a time that it is counted of")
    where = facts.get("where", {})
    for name in where:
        _field(model, name)
    days, months = (_number(facts[name]) if name in facts else None for name in AGES)
    return Rule(model, tuple(fields), of=facts["of"], days=days, months=months, where=where)


def _service(model: type[Model], facts: Mapping[str, Any], fields: Sequence[str]) -> Rule:
    path, _dot, method = str(facts["by"]).rpartition(".")
    try:
        found = import_string(facts["by"])
    except ImportError:  # a method of a class
        found = getattr(import_string(path), method)
    if not callable(found) or not facts.get("task"):
        raise BrokenRetention("a service needs to be there, and Beat's task that calls it named")
    return Rule(model, tuple(fields), by=facts["by"], task=facts["task"])


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist as gone:
        raise BrokenRetention(f"there is no field {name}") from gone
    if not isinstance(found, Field):
        raise BrokenRetention(f"{name} is no column")
    return found


def _number(told: Any) -> int:
    found = getattr(settings, told) if isinstance(told, str) else told
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise BrokenRetention(f"{told} is no number of days or months")
    return found


def empty_of(field: "Field[Any, Any]") -> Any:
    """What an emptied field holds. Raises BrokenRetention for one that can't be empty."""
    if field.null:
        return None
    if isinstance(field, CharField | TextField):
        return ""
    if isinstance(field, JSONField):
        return {}
    if isinstance(field, BinaryField):
        return b""
    raise BrokenRetention(f"{field.name} can't be emptied")
