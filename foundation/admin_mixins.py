"""Shapes that the admin pages of all rooms share."""

import re
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from foundation import clock
from foundation.models import Operator
from foundation.services import audit


def operator_of(request: HttpRequest) -> Operator:
    """Who is logged in. Raises PermissionDenied for nobody, which the pages' guards prevent."""
    if not isinstance(request.user, Operator):
        raise PermissionDenied
    return request.user


class EstimatedPaginator(Paginator):
    """Counts big tables by the planner's estimate, so that a list of millions opens at once."""

    @cached_property
    def count(self) -> int:
        """The exact count of a filtered or small list, the estimate of a big whole table."""
        query: Any = getattr(self.object_list, "query")  # noqa: B009  a changelist always pages a queryset
        if not query.where:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [query.model._meta.db_table]
                )
                row = cursor.fetchone()
            if row and row[0] > 10_000:
                return int(row[0])
        return int(super().count)


class ReadOnlyAdmin(ModelAdmin):
    """A list to look at: ledgers and rows that only services write."""

    paginator = EstimatedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class StaffAdmin(ModelAdmin):
    """Rows that staff write as they are: no state, no money, no promise to a member."""

    list_per_page = 50
    show_full_result_count = False
    actions = None


class WrittenDownAdmin(StaffAdmin):
    """Rows that steer the machine: each change is written down with who made it; a row keeps its key."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A key that staff choose can't be changed later: Django would write a second row."""
        fixed = () if obj is None or self.model._meta.pk.auto_created else (self.model._meta.pk.name,)
        return (*super().get_readonly_fields(request, obj), *fixed)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and say who did."""
        super().save_model(request, obj, form, change)
        self._write_down(request, obj, "changed" if change else "added", fields=sorted(form.changed_data))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, and say who did."""
        self._write_down(request, obj, "deleted")
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """The same for several rows at once."""
        for obj in queryset:
            self._write_down(request, obj, "deleted")
        super().delete_queryset(request, queryset)

    def _write_down(self, request: HttpRequest, obj: Any, verb: str, **detail: Any) -> None:
        options = self.model._meta
        audit.record(
            action=f"{options.model_name}.{verb}", subject=f"{options.label_lower}:{obj.pk}", by=operator_of(request),
            now=clock.now(), **detail,
        )  # fmt: skip


_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
DAY_MINUTES = 24 * 60


class MinuteOfDayField(forms.Field):
    """A minute of the day, typed as 08:00; 24:00 is the end of the day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, widget=UnfoldAdminTextInputWidget({"maxlength": 5, "size": 5}))

    def prepare_value(self, value: Any) -> Any:
        """What the form shows."""
        return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        """Minutes since midnight."""
        found = _CLOCK.fullmatch(str(value or "").replace("：", ":").strip())
        minute = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
        if minute > DAY_MINUTES:
            raise forms.ValidationError(_("Write the time like 08:00."))
        return minute

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another minute was typed; 8:00 is the same as 08:00."""
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True
