"""Which lists can be brought as files, where, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from console.list_imports.base import ListResource
from console.list_imports.resources import (
    ClerkResource,
    DayResource,
    StoreResource,
    SuppressionResource,
    WordResource,
)
from foundation.models import Operator

BACK_AGAIN = _("The exported list can be changed and brought back: its columns are the same.")


@dataclass(frozen=True, slots=True)
class ImportedList:
    """A list of the admin: its page, who may bring a file, and what to know."""

    model: str  # app.model
    title: Any
    permissions: Sequence[str]  # all of them
    resource: type[ListResource]
    notes: Sequence[Any] = ()

    @property
    def slug(self) -> str:
        """Its part of the address, below which the admin has the list."""
        return self.model.replace(".", "/")

    def may_be_brought_by(self, operator: Operator) -> bool:
        """Whether the operator may add and change every row of it."""
        return operator.is_staff and operator.has_perms(self.permissions)


LISTS = (
    ImportedList(
        "members.store", _("stores"), ("members.add_store", "members.change_store"), StoreResource,
        (_("A store that the file closes logs its clerks out of it at once."), BACK_AGAIN),
    ),
    ImportedList(
        "foundation.operator", _("clerks"),
        (
            "foundation.add_operator", "foundation.change_operator", "members.add_storescope",
            "members.delete_storescope",
        ),
        ClerkResource,
        (
            _("A new clerk has no password yet: give a one-time password on the page of their access."),
            _("Several stores in one cell: S001, S002. The file says all stores of a clerk; others are taken away."),
            _("Only clerks; operators with another role are changed on their page."),
        ),
    ),
    ImportedList(
        "templates_sms.sensitiveword", _("word list"),
        ("templates_sms.add_sensitiveword", "templates_sms.change_sensitiveword"), WordResource,
        (_("Texts that wait for review are judged by the new list at once."), BACK_AGAIN),
    ),
    ImportedList(
        "members.suppression", _("suppression list"), ("members.add_suppression",), SuppressionResource,
        (
            _("Phones are sealed when they are written and shown by their last four digits only."),
            _("Entries are added here, never taken off. A blank day means for good."),
        ),
    ),
    ImportedList(
        "delivery.calendarday", _("calendar days"),
        ("delivery.add_calendarday", "delivery.change_calendarday"), DayResource,
        (_("Take the days of the State Council's yearly notice; a blackout day holds all marketing."), BACK_AGAIN),
    ),
)  # fmt: skip


def list_of(model: str) -> ImportedList | None:
    """The list of `app.model`."""
    return next((one for one in LISTS if one.model == model), None)
