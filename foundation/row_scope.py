"""
Row scope: whoever works for some stores reads the rows of those stores, whatever the code forgets.

Inside `limited_to` the managers of store-bound models filter by themselves, and a statement of our own that names
a table of theirs must take the parameter `stores`, else it is refused. Outside nothing is filtered: the engine,
jobs and the till choose their rows themselves. Decision 25.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.utils.module_loading import import_string

Stores = frozenset[int] | None
"""The ids of some stores; None is every store."""
M = TypeVar("M", bound=models.Model)
_limit: ContextVar[Stores] = ContextVar("row_scope", default=None)


class OutsideScope(Exception):
    """A statement would have read rows of all stores for somebody who works for some: a fault of the program."""


def stores_in_scope() -> Stores:
    """The stores whose rows may be read now; None is every store."""
    return _limit.get()


def stores_parameter() -> list[int] | None:
    """The same as statements of our own take it, under the name `stores`."""
    stores = stores_in_scope()
    return None if stores is None else sorted(stores)


def reach_of(operator: models.Model, now: datetime) -> Stores:
    """The stores whose rows an operator reads, as the room above says that settings name; None is every store."""
    found: Stores = import_string(settings.ROW_SCOPE)(operator=operator, now=now)
    return found


@contextmanager
def limited_to(stores: Stores) -> Iterator[None]:
    """Read the rows of these stores alone; with None those of every store. The innermost counts."""
    token = _limit.set(stores)
    try:
        if stores is None:
            yield
        else:
            with connection.execute_wrapper(_refuse_unlimited):
                yield
    finally:
        _limit.reset(token)


def each_limited_to(stores: Stores, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of an answer, each of them made within the scope; what comes in between is not touched by it."""
    rest = iter(parts)
    while True:
        with limited_to(stores):
            part = next(rest, None)
        if part is None:
            return
        yield part


class StoreBoundManager(models.Manager[M]):
    """The rows that may be read now. The model's `store_path` leads to the store that a row belongs to."""

    def get_queryset(self) -> models.QuerySet[M]:
        """All rows, or those of the stores in scope."""
        rows, stores = super().get_queryset(), stores_in_scope()
        if stores is None:
            return rows
        path: str = self.model.store_path  # type: ignore[attr-defined]
        return rows.filter(**{f"{path}__in": stores})


def is_store_bound(model: type[models.Model]) -> bool:
    """Whether the rows of a model are filtered by themselves."""
    return isinstance(model._default_manager, StoreBoundManager)


@cache
def _bound_tables() -> re.Pattern[str]:
    """Their tables as our own statements name them; the ORM's own have quotes around every name."""
    names = sorted(model._meta.db_table for model in apps.get_models() if is_store_bound(model))
    return re.compile(rf'(?<!")\b(?:{"|".join(names)})\b(?!")')


def _refuse_unlimited(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    found = None if stores_in_scope() is None else _bound_tables().search(str(sql))
    if found and not (isinstance(params, Mapping) and "stores" in params):
        raise OutsideScope(f"{found[0]} was read without stores for somebody who works for some of them.")
    return execute(sql, params, many, context)
