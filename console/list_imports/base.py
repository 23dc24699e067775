"""What the resources of all lists share: headings, changes in words, one writing for all rows or none."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import override
from import_export.resources import ModelResource
from import_export.results import Result, RowResult
from tablib import Dataset

from foundation.errors import DomainError
from foundation.models import Operator
from foundation.spreadsheet import plain


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its field, how it is called, whether a file needs it, whether a blank cell keeps what is known."""

    field: str
    title: Any
    is_needed: bool = False
    keeps: bool = False

    def names(self) -> set[str]:
        """Everything that may stand above the column, folded."""
        found = {self.field}
        for language in ("zh-hans", "en"):
            with override(language):
                found.add(str(self.title))
        return {one.strip().casefold() for one in found}


@dataclass(frozen=True, slots=True)
class Row:
    """A row that changes something: its number in the file, what it is called, the columns that differ."""

    number: int
    is_new: bool
    name: str
    changes: list[tuple[str, str, str]]  # title, before, after


class Change:
    """What a row is called, and its columns that differ, as title, before and after."""

    def __init__(self, resource: Any, instance: Any, new: bool) -> None:
        self._titles = [str(one.title) for one in resource.heads]
        self._before = [""] * len(self._titles) if new else resource.shown(instance)
        self._after = self._before

    def compare_with(self, resource: Any, instance: Any) -> None:
        """Read the row again as it is now."""
        self._after = resource.shown(instance)

    def as_html(self) -> tuple[str, list[tuple[str, str, str]]]:
        """The library's name for it; these are plain texts that the template escapes."""
        rows = list(zip(self._titles, self._before, self._after, strict=True))
        return self._after[0], [one for one in rows[1:] if one[1] != one[2]]


class ListResource(ModelResource):
    """
    One list. A subclass names its `heads`, and how one row is written in `do_instance_save`.

    Rows are judged by the model's own validation, as the page's form does. What the library would do beside that and
    this house does not want is off: bulk writes past validation, the admin's own log, moving sequences.
    """

    heads: Sequence[Head] = ()

    def __init__(self, *, by: Operator, now: datetime) -> None:
        super().__init__()
        self.by, self.now = by, now
        self.numbers: Sequence[int] = ()  # of the rows in their file, where blank lines count
        self._seen: dict[Any, int] = {}

    @classmethod
    def get_diff_class(cls) -> type:
        """Ours: texts, not HTML."""
        return Change

    def shown(self, instance: Any) -> list[str]:
        """The row's columns as a page shows them."""
        return [str(plain(self.value(instance, one.field))) for one in self.heads]

    def value(self, instance: Any, field: str) -> Any:
        """One of them; a choice by its name."""
        named: Callable[[], Any] | None = getattr(instance, f"get_{field}_display", None)
        return named() if named is not None else getattr(instance, field)

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """A blank cell of a column that keeps is no cell; a row that was named before is refused."""
        for head in self.heads:
            if head.keeps and not str(row.get(head.field, "")).strip():
                row.pop(head.field, None)
        key = self._key(row)
        if key in self._seen:
            raise ValidationError(_("The same as in row %(number)s.") % {"number": self.numbers[self._seen[key] - 1]})
        self._seen[key] = kwargs["row_number"]

    def _key(self, row: Any) -> Any:
        """What a file may name only once. Raises ValidationError when it is blank or nonsense."""
        name = self.get_import_id_fields()[0]
        try:
            found = self.fields[name].clean(row)
        except ValueError as wrong:
            raise ValidationError({name: str(wrong)}) from None
        if not found:
            raise ValidationError({name: _("This is blank.")})
        return found

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        """Sequences stay: the library would set them back under others' feet."""

    def write(self, dataset: Dataset, numbers: Sequence[int], *, dry_run: bool) -> "Outcome":
        """Try all rows, and take them back when `dry_run` or one is wrong."""
        self.numbers, self._seen = numbers, {}
        result = self.import_data(
            dataset, dry_run=dry_run, raise_errors=False, use_transactions=True, rollback_on_validation_errors=True
        )
        return outcome_of(result, self)


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that can't be written: its number in the file, counted with the heading, and why."""

    number: int
    words: list[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a file would do, or did."""

    new: int
    changed: int
    same: int
    faults: list[Fault]
    rows: list[Row]
    digest: str  # of everything that changes

    @property
    def can_be_written(self) -> bool:
        """Whether there is something to do and nothing in its way."""
        return not self.faults and bool(self.new or self.changed)


def outcome_of(result: Result, resource: ListResource) -> Outcome:
    """The library's result in our words."""
    number = resource.numbers
    faults = [Fault(1, [_sentence(one.error)]) for one in result.base_errors]
    faults += [
        Fault(number[one.number - 1], [_sentence(each.error) for each in one.errors]) for one in result.error_rows
    ]
    faults += [Fault(number[one.number - 1], _sentences(one.error, resource)) for one in result.invalid_rows]
    rows = [
        Row(number[index], one.import_type == RowResult.IMPORT_TYPE_NEW, *one.diff)
        for index, one in enumerate(result.rows)
        if one.import_type in (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE)
    ]
    return Outcome(
        new=sum(one.is_new for one in rows), changed=sum(not one.is_new for one in rows),
        same=result.totals[RowResult.IMPORT_TYPE_SKIP], faults=sorted(faults, key=lambda one: one.number), rows=rows,
        digest=hashlib.sha256(repr(rows).encode()).hexdigest(),
    )  # fmt: skip


def _sentence(error: BaseException) -> str:
    """What a row failed at; a fault of the program is not told in its own words, they may hold the row's."""
    if isinstance(error, DomainError):
        return str(error)
    return _("This row can't be read.")


def _sentences(error: ValidationError, resource: ListResource) -> list[str]:
    """Each with the column's name in front."""
    if not hasattr(error, "error_dict"):
        return list(error.messages)
    titles = {one.field: str(one.title) for one in resource.heads}
    return [
        f"{titles[field]}: {words}" if field in titles else words
        for field, found in error.message_dict.items()
        for words in found
    ]
