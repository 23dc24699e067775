"""Members, stores, suppression: lists to look at, and the few rows that staff write by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.admin import TabularInline

from foundation import clock
from foundation.admin_mixins import ReadOnlyAdmin, StaffAdmin, operator_of
from foundation.services.leaving import stop_work
from members.models import ConsentEvent, Member, Store, StoreScope, Suppression


class StoreScopeInline(TabularInline):
    """Who works in this store."""

    model = StoreScope
    extra = 0
    autocomplete_fields = ("operator",)


@admin.register(Store)
class StoreAdmin(StaffAdmin):
    """Shops and who works in them."""

    list_display = ("code", "name", "city", "zone", "is_active")
    list_filter = ("city", "is_active")
    search_fields = ("code", "name")
    ordering = ("code",)
    inlines = (StoreScopeInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A store is closed, not deleted: its redemptions stay."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever no longer works in the store stops at once: shift closed, logged out."""
        scopes = StoreScope.objects.filter(store=form.instance).values_list("operator_id", flat=True)
        before = set(scopes.all())
        super().save_related(request, form, formsets, change)
        after = set(scopes.all()) if form.instance.is_active else set()
        for operator_id in sorted(before - after):
            stop_work(
                operator_id=operator_id, store_id=form.instance.pk, why="store", by=operator_of(request),
                now=clock.now(),
            )  # fmt: skip


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    """Members; the phone is masked, its timeline is in the message search."""

    list_display = ("card_no", "short_name", "masked", "city", "home_store", "lifecycle", "last_purchase_at")
    list_filter = ("lifecycle", "city", "gender")
    search_fields = ("card_no__exact", "name__startswith")
    list_select_related = ("home_store",)
    ordering = ("-id",)
    fields = (
        "card_no", "name", "masked", "carrier", "gender", "birthday", "city", "home_store", "level", "joined_at",
        "last_purchase_at", "purchase_count", "spend_fen", "rfm_r", "rfm_f", "rfm_m", "lifecycle",
    )  # fmt: skip

    @admin.display(description=_("phone"))
    def masked(self, member: Member) -> str:
        """`****5678`."""
        return member.masked_phone

    @admin.display(description=pgettext_lazy("person", "name"))
    def short_name(self, member: Member) -> str:
        """`张**`."""
        return f"{member.name[:1]}**" if member.name else "—"


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """Phones nobody writes to."""

    list_display = ("phone_tail", "kind", "since", "until", "note")
    list_filter = ("kind",)
    ordering = ("-id",)


@admin.register(ConsentEvent)
class ConsentEventAdmin(ReadOnlyAdmin):
    """The consent ledger."""

    list_display = ("at", "consent", "source", "proof", "reason")
    list_filter = ("consent", "source")
    ordering = ("-id",)
