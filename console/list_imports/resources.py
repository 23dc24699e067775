"""The lists, column by column, and how each row is written: by the services that its page uses."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from import_export.fields import Field

from console.list_imports.base import Head, ListResource
from console.list_imports.widgets import (
    ChoiceWidget,
    CodesWidget,
    DayWidget,
    EndOfDayWidget,
    PhoneWidget,
    TextWidget,
    YesWidget,
    ZoneWidget,
)
from delivery.models import CalendarDay, DayKind
from foundation.models import ApiKey, Operator
from foundation.phone import mask_tail
from foundation.services import audit
from foundation.services.leaving import stop_work
from foundation.services.phones import seal
from members.models import Store, StoreScope, Suppression, SuppressionKind
from members.services.scopes import set_stores
from members.services.suppression import suppress
from templates_sms.models import SensitiveWord, WordKind

CLERK = "clerk"


def _field(name: str, widget: Any) -> Field:
    return Field(attribute=name, column_name=name, widget=widget)


class Rules:
    """What every list wants of the library."""

    skip_unchanged = True
    report_skipped = True
    use_transactions = True
    clean_model_instances = True


class StoreResource(ListResource):
    """Stores, by their code. A store that closes ends the work in it, as on its page."""

    heads = (
        Head("code", gettext_lazy("store code"), is_needed=True), Head("name", gettext_lazy("store name")),
        Head("city", gettext_lazy("city")), Head("zone", gettext_lazy("time zone"), keeps=True),
        Head("is_active", gettext_lazy("open"), keeps=True),
    )  # fmt: skip
    code, name, city = (_field(one, TextWidget()) for one in ("code", "name", "city"))
    zone, is_active = _field("zone", ZoneWidget()), _field("is_active", YesWidget())

    class Meta(Rules):
        model = Store
        fields = import_order = ("code", "name", "city", "zone", "is_active")
        import_id_fields = ("code",)

    def do_instance_save(self, instance: Store, is_create: bool) -> None:
        """Save; whoever works in a store that closes stops at once."""
        was_open = not is_create and Store.objects.filter(pk=instance.pk, is_active=True).exists()
        super().do_instance_save(instance, is_create)
        if was_open and not instance.is_active:
            clerks = StoreScope.objects.filter(store=instance).order_by("operator_id")
            for operator_id in clerks.values_list("operator_id", flat=True):
                stop_work(operator_id=operator_id, store_id=instance.pk, why="store", by=self.by, now=self.now)


class ClerkResource(ListResource):
    """
    Clerks, by their login name. A new one has no password: IT gives a one-time password on the page of their access.

    The stores in the file are all that the clerk works for; out of the others they are logged out at once.
    """

    heads = (
        Head("username", gettext_lazy("login name"), is_needed=True),
        Head("display_name", pgettext_lazy("person", "name")), Head("store_codes", gettext_lazy("store codes")),
    )  # fmt: skip
    username, display_name = _field("username", TextWidget()), _field("display_name", TextWidget())
    store_codes = _field("store_codes", CodesWidget())

    class Meta(Rules):
        model = Operator
        fields = import_order = ("username", "display_name", "store_codes")
        import_id_fields = ("username",)

    def init_instance(self, row: Any = None) -> Operator:
        """Nobody gets in without a password."""
        fresh: Any = Operator()
        fresh.set_unusable_password()
        fresh.store_codes = ()
        return fresh

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        """A known clerk with their stores. Raises ValidationError for an operator who is something else."""
        found = super().get_instance(instance_loader, row)
        if found is None:
            return None
        roles = set(found.groups.values_list("name", flat=True))
        if found.is_staff or found.is_superuser or roles - {CLERK} or ApiKey.objects.filter(operator=found).exists():
            raise ValidationError({"username": _("This operator is no clerk; change them on their page.")})
        codes = Store.objects.filter(scopes__operator=found).order_by("code").values_list("code", flat=True)
        found.store_codes = tuple(codes)
        return found

    def validate_instance(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        """The model's own validation, and stores that exist and are open."""
        super().validate_instance(instance, *args, **kwargs)
        known = Store.objects.filter(code__in=instance.store_codes, is_active=True).values_list("code", flat=True)
        missing = sorted(set(instance.store_codes) - set(known))
        if missing:
            raise ValidationError({"store_codes": _("No open store has the code %(code)s.") % {"code": missing[0]}})

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        """Save the operator, give a new one the role of clerk, and let them work for exactly these stores."""
        super().do_instance_save(instance, is_create)
        if is_create:
            instance.groups.add(Group.objects.get(name=CLERK))
        audit.record(
            action="operator.added" if is_create else "operator.changed", subject=f"foundation.operator:{instance.pk}",
            by=self.by, now=self.now, source="list",
        )  # fmt: skip
        before = set(StoreScope.objects.filter(operator=instance).values_list("store_id", flat=True))
        wanted = set(Store.objects.filter(code__in=instance.store_codes).values_list("pk", flat=True))
        set_stores(operator_id=instance.pk, store_ids=wanted, by=self.by, now=self.now)
        for store_id in sorted(before - wanted):
            stop_work(operator_id=instance.pk, store_id=store_id, why="store", by=self.by, now=self.now)


class WordResource(ListResource):
    """The chain's own word list, by the word."""

    heads = (
        Head("word", gettext_lazy("word"), is_needed=True), Head("kind", gettext_lazy("kind"), keeps=True),
        Head("advice", gettext_lazy("advice")), Head("substitute", gettext_lazy("better")),
    )  # fmt: skip
    word, advice, substitute = (_field(one, TextWidget()) for one in ("word", "advice", "substitute"))
    kind = _field("kind", ChoiceWidget(WordKind.choices))

    class Meta(Rules):
        model = SensitiveWord
        fields = import_order = ("word", "kind", "advice", "substitute")
        import_id_fields = ("word",)


class DayResource(ListResource):
    """Holidays, adjusted working days and days without marketing, by the day."""

    heads = (
        Head("day", gettext_lazy("day"), is_needed=True), Head("kind", pgettext_lazy("day", "kind"), is_needed=True),
        Head("name", gettext_lazy("name"), is_needed=True), Head("is_confirmed", gettext_lazy("confirmed"), keeps=True),
    )  # fmt: skip
    day, kind = _field("day", DayWidget()), _field("kind", ChoiceWidget(DayKind.choices))
    name, is_confirmed = _field("name", TextWidget()), _field("is_confirmed", YesWidget())

    class Meta(Rules):
        model = CalendarDay
        fields = import_order = ("day", "kind", "name", "is_confirmed")
        import_id_fields = ("day",)

    def do_instance_save(self, instance: CalendarDay, is_create: bool) -> None:
        """Save, and say who did, as the page does."""
        super().do_instance_save(instance, is_create)
        audit.record(
            action="calendarday.added" if is_create else "calendarday.changed",
            subject=f"delivery.calendarday:{instance.pk}", by=self.by, now=self.now, source="list",
        )  # fmt: skip


class SuppressionResource(ListResource):
    """
    Phones nobody may write to any more, put on the list by hand. Sealed like every phone, and never shown again.

    Of an entry that is there already only the end moves; entries that came from elsewhere are not touched.
    """

    heads = (
        Head("phone", gettext_lazy("mobile number"), is_needed=True),
        Head("until", gettext_lazy("until this day, this day too")), Head("note", gettext_lazy("note")),
    )  # fmt: skip
    phone, note = _field("phone", PhoneWidget()), _field("note", TextWidget())
    until = _field("until", EndOfDayWidget())

    class Meta(Rules):
        model = Suppression
        fields = import_order = ("phone", "until", "note")
        import_id_fields = ("phone",)

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        """The entry of a phone, found by its keyed hash."""
        sealed = seal(self.fields["phone"].clean(row))
        found: Any = Suppression.objects.filter(phone_hash=sealed.hash, kind=SuppressionKind.MANUAL).first()
        if found is not None:
            found.phone = self.fields["phone"].clean(row)
        return found

    def init_instance(self, row: Any = None) -> Any:
        """A new entry, of somebody who put it there by hand."""
        sealed = seal(self.fields["phone"].clean(row))
        fresh: Any = Suppression(
            phone_hash=sealed.hash, phone_tail=sealed.tail, kind=SuppressionKind.MANUAL, since=self.now, by=self.by
        )
        fresh.phone = None
        return fresh

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """The cells into the entry; the note of an old entry stays."""
        kept = None if instance.pk is None else instance.note
        super().import_instance(instance, row, **kwargs)
        if kept is not None:
            instance.note = kept

    def value(self, instance: Any, field: str) -> Any:
        """The phone by its tail only."""
        return mask_tail(instance.phone_tail) if field == "phone" else super().value(instance, field)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        """By the list's own service."""
        entry = suppress(
            phone_hash=instance.phone_hash, kind=SuppressionKind.MANUAL, until=instance.until, note=instance.note,
            tail=instance.phone_tail, by=self.by, now=self.now,
        )  # fmt: skip
        instance.pk = entry.pk
