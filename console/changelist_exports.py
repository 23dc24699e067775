"""Every list of the admin as a file: what its page lists under its filters, search and order, column by column."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ALL_VAR, PAGE_VAR
from django.contrib.messages.api import MessageFailure
from django.core.exceptions import FieldDoesNotExist, SuspiciousOperation
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from console.workplaces.alerts import sentence
from foundation.models import Alert, Operator
from foundation.row_scope import is_store_bound
from foundation.services.export_lists import Column, ExportList, NoSuchList, all_of, fact, facts

NOT_OF_THE_LIST = (PAGE_VAR, ALL_VAR)  # the page that was open

ALERTS = ExportList(
    "alerts", _("Alerts"), ("foundation.view_alert",),
    (Column(_("alert"), sentence), *facts(Alert, "times_count", "first_at", "last_at", "closed_at")),
    all_of(Alert, "-last_at", "-id"),
)  # fmt: skip


def find(name: str) -> ExportList | None:
    """The list of the model `app.model`; None when the admin has none."""
    try:
        model = apps.get_model(name)
    except (LookupError, ValueError):
        return None
    if not admin.site.is_registered(model):
        return None
    options = model._meta
    page: Any = admin.site.get_model_admin(model)
    return ExportList(
        name=options.label_lower, title=options.verbose_name_plural,
        permissions=[f"{options.app_label}.{verb}_{options.model_name}" for verb in ("view", "change")],
        columns=[_column(page, one) for one in page.list_display], rows=_rows(page),
        by_store=is_store_bound(model),
    )  # fmt: skip


def _column(page: Any, name: str) -> Column:
    """As the page has it; money of a page's own column as a number of yuan."""
    title = label_for_field(name, page.model, model_admin=page)
    fen = getattr(page, "fen_columns", {}).get(name)
    if fen is not None:
        return Column(title, _yuan(fen))
    try:
        field = page.model._meta.get_field(name)
    except FieldDoesNotExist:
        return Column(title, _method(page, name))
    if isinstance(field, models.Field):
        return fact(name, title)(page.model)
    return Column(title, _method(page, name))


def _yuan(field: str) -> Callable[[Any], Decimal | None]:
    def value(row: Any) -> Decimal | None:
        fen = getattr(row, field)
        return None if fen is None else Decimal(fen).scaleb(-2)

    return value


def _method(page: Any, name: str) -> Callable[[Any], Any]:
    """A column that the page, or the row itself, works out."""
    own = getattr(page, name, None)

    def value(row: Any) -> Any:
        found = own(row) if own is not None else getattr(row, name)
        found = found() if callable(found) else found
        return strip_tags(found) if isinstance(found, str) else found

    return value


def _rows(page: Any) -> Callable[[Operator, str, datetime], "QuerySet[Any]"]:
    def rows(by: Operator, query: str, now: datetime) -> "QuerySet[Any]":
        request = HttpRequest()
        request.method, request.user = "GET", by
        filters: Any = QueryDict(query, mutable=True)
        for name in NOT_OF_THE_LIST:
            filters.pop(name, None)
        request.GET = filters
        try:
            found: QuerySet[Any] = page.get_changelist_instance(request).queryset
        except (IncorrectLookupParameters, SuspiciousOperation, MessageFailure) as wrong:  # a message: of bad words
            raise NoSuchList(_("This list can't be filtered like that.")) from wrong
        return found

    return rows
