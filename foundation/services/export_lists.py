"""Which lists can be taken out as files: each named once, with who may see it, its columns and its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from foundation.errors import DomainError
from foundation.models import ApiKey, Operator, WebhookEndpoint
from foundation.row_scope import Stores


class NoSuchList(DomainError):
    """No list has this name, or its filters can't be read."""

    code = "NO_SUCH_LIST"


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and what stands below it for a row: text, a number, an instant, a day, yes or no, or nothing."""

    title: Any
    value: Callable[[Any], Any]


Rows = Callable[[Operator, str, datetime], "QuerySet[Any]"]


@dataclass(frozen=True, slots=True)
class ExportList:
    """
    A list. Whoever has one of `permissions` sees its page.

    `rows` gives what the operator's page lists under a query string, in its order; it raises NoSuchList when the
    query makes no sense. A list `by_store` holds rows in row scope; the others are closed to who works for some stores.
    """

    name: str
    title: Any
    permissions: Sequence[str]
    columns: Sequence[Column]
    rows: Rows
    by_store: bool = False

    def is_seen_by(self, operator: Operator, stores: Stores) -> bool:
        """Whether the operator, who reads the rows of `stores`, may see the list itself."""
        is_open = self.by_store or stores is None
        return is_open and operator.is_staff and any(operator.has_perm(one) for one in self.permissions)


def find(name: str) -> ExportList:
    """The list of a name: of settings.EXPORT_LISTS, or `app.model` of the admin. Raises NoSuchList."""
    for path in settings.EXPORT_LISTS:
        found: ExportList = import_string(path)
        if found.name == name:
            return found
    changelist: ExportList | None = import_string(settings.EXPORT_CHANGELISTS)(name)
    if changelist is None:
        raise NoSuchList(_("There is no such list."))
    return changelist


def fact(name: str, title: Any = None) -> Callable[[type], Column]:
    """A column with the value of a field, under the field's own name unless `title` says another."""

    def column(model: Any) -> Column:
        field = model._meta.get_field(name)
        shown = f"get_{name}_display" if field.choices else name
        if field.choices:
            return Column(title or field.verbose_name, lambda row: getattr(row, shown)())
        return Column(title or field.verbose_name, lambda row: getattr(row, shown))

    return column


def facts(model: type, *names: str) -> tuple[Column, ...]:
    """Columns of several fields of a model."""
    return tuple(fact(name)(model) for name in names)


def all_of(model: Any, *order: str, related: Sequence[str] = ()) -> Rows:
    """Every row of a table, for lists that show all they have."""

    def rows(by: Operator, query: str, now: datetime) -> "QuerySet[Any]":
        found: QuerySet[Any] = model.objects.order_by(*order)
        return found.select_related(*related) if related else found

    return rows


API_KEYS = ExportList(
    "api-keys", _("API keys"), ("foundation.view_apikey",),
    facts(ApiKey, "name", "key_id", "is_active", "last_used_at", "expires_at"), all_of(ApiKey, "name", "id"),
)  # fmt: skip
WEBHOOKS = ExportList(
    "webhooks", _("Webhooks"), ("foundation.view_webhookendpoint",),
    facts(WebhookEndpoint, "name", "url", "is_active"), all_of(WebhookEndpoint, "name", "id"),
)  # fmt: skip
