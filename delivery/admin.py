"""Channels and short links to write; replies, dispatches and hand-offs to look at."""

import secrets
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from delivery.models import Channel, Dispatch, Link, Reply
from delivery.registry import VENDORS
from foundation import clock
from foundation.admin_mixins import ReadOnlyAdmin, StaffAdmin, operator_of
from foundation.services import audit
from foundation.tokens import new_tokens


@admin.register(Channel)
class ChannelAdmin(StaffAdmin):
    """Accounts at providers."""

    list_display = ("name", "vendor", "state", "weight", "price", "parts_per_second", "broken_reason")
    list_filter = ("state", "vendor")
    ordering = ("id",)
    fields = (
        "code", "name", "vendor", "config", "state", "weight", "price", "parts_per_second", "batch_size",
        "opt_out_words",
    )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only providers that have an adapter can be chosen."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "vendor":
            return forms.ChoiceField(label=field.label, choices=[(name, name) for name in sorted(VENDORS)])
        return field

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        """A new channel gets the secret address of its receipts; every change is written down."""
        if not obj.webhook_token:
            obj.webhook_token = secrets.token_urlsafe(32)
        super().save_model(request, obj, form, change)
        audit.record(
            action="channel.changed" if change else "channel.added", subject=f"delivery.channel:{obj.pk}",
            by=operator_of(request), now=clock.now(), fields=sorted(form.changed_data),
        )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A channel is drained, not deleted: the ledger speaks of it."""
        return False


@admin.register(Link)
class LinkAdmin(StaffAdmin):
    """Short links `/l/<token>`."""

    list_display = ("note", "token", "target", "created_at")
    ordering = ("-id",)
    fields = ("note", "target", "token")
    readonly_fields = ("token",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """An address typed without a scheme is https."""
        if db_field.name == "target":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Link, form: Any, change: bool) -> None:
        """A new link gets its token."""
        if not change:
            obj.token, obj.created_at = new_tokens(1)[0], clock.now()
        super().save_model(request, obj, form, change)


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """What members wrote back."""

    list_display = ("received_at", "phone_tail", "text", "state")
    list_filter = ("state",)
    ordering = ("-id",)


@admin.register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    """What is being sent, for whom."""

    list_display = ("source", "tier", "state", "not_before", "expires_at", "closed_at")
    list_filter = ("state", "tier")
    ordering = ("-id",)
