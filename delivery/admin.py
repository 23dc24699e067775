"""Channels and short links to write; replies, dispatches and hand-offs to look at."""

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from delivery.models import (
    CARRIERS,
    Brake,
    CalendarDay,
    Channel,
    Dispatch,
    Link,
    ReceiptCode,
    Reply,
    ReplyAnswer,
    Route,
)
from delivery.queries.links import Clicks, clicks_of
from delivery.registry import VENDORS
from delivery.rules.clicks import REPEAT_SECONDS
from delivery.services import calendar
from foundation import clock
from foundation.admin_mixins import MinuteOfDayField, ReadOnlyAdmin, StaffAdmin, WrittenDownAdmin, operator_of
from foundation.errors import DomainError
from foundation.services import audit
from foundation.tokens import new_tokens
from templates_sms.models import Tier

CHOSEN: dict[str, Any] = {"tiers": Tier.choices, "carriers": CARRIERS}
MINUTES: dict[str, Any] = {
    "opens_at_minute": _("00:00 for the whole day."),
    "closes_at_minute": _("24:00 at the latest."),
}


@admin.register(Channel)
class ChannelAdmin(StaffAdmin):
    """Accounts at providers."""

    list_display = ("name", "vendor", "state", "circuit", "weight", "price", "parts_per_second", "broken_reason")
    list_filter = ("state", "vendor")
    ordering = ("id",)
    fields = (
        "code", "name", "vendor", "config", "state", "tiers", "carriers", "weight", "price", "parts_per_second",
        "batch_size", "daily_quota", "opens_at_minute", "closes_at_minute", "balance_alert", "opt_out_words",
    )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only providers that have an adapter can be chosen."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "vendor":
            return forms.ChoiceField(label=field.label, choices=[(name, name) for name in sorted(VENDORS)])
        if db_field.name in CHOSEN:
            return forms.MultipleChoiceField(
                label=field.label, choices=CHOSEN[db_field.name], required=False, help_text=_("None means all."),
                widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip
        if db_field.name in MINUTES:
            return MinuteOfDayField(label=field.label, initial=field.initial, help_text=MINUTES[db_field.name])
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
class LinkAdmin(WrittenDownAdmin):
    """Short links `/l/<token>`."""

    list_display = ("note", "token", "target", "people", "created_at")
    ordering = ("-id",)
    fields = ("note", "target", "token", "clicks")
    readonly_fields = ("token", "clicks")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Link]:
        """With the clicks of people, counted for the list."""
        human = Count("clicks", filter=Q(clicks__is_preview=False, clicks__is_repeat=False))
        return super().get_queryset(request).annotate(people_count=human)

    @admin.display(description=_("clicks by people"))
    def people(self, link: Any) -> int:
        """Without previews and double hits."""
        return int(link.people_count)

    @admin.display(description=_("clicks"))
    def clicks(self, link: Link) -> str:
        """People, previews and double hits, with the rule that tells them apart."""
        if link.pk is None:
            return "—"
        found = clicks_of(link_ids=[link.pk]).get(link.pk, Clicks())
        return _(
            "%(human)s by people, %(preview)s previews, %(repeat)s double hits. A preview is a request without a "
            "body (HEAD), one that loads ahead, one by a known robot or one that names no browser; a double hit is the "
            "same browser again within %(seconds)s seconds."
        ) % {"human": found.human, "preview": found.preview, "repeat": found.repeat, "seconds": REPEAT_SECONDS}

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


class AnswerInline(TabularInline):
    """Who answered a reply, and when; who may read the reply may read this."""

    model = ReplyAnswer
    fields = ("dispatch_id", "by", "at")
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As the reply."""
        return request.user.has_perm("delivery.view_reply")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: answers are sent on the page of replies."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """What members wrote back."""

    inlines = (AnswerInline,)

    list_display = ("received_at", "phone_tail", "text", "state")
    list_filter = ("state",)
    ordering = ("-id",)


@admin.register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    """What is being sent, for whom."""

    list_display = ("source", "tier", "state", "not_before", "expires_at", "closed_at")
    list_filter = ("state", "tier")
    ordering = ("-id",)


@admin.register(Brake)
class BrakeAdmin(ReadOnlyAdmin):
    """What is held now. What was held stands in the audit and on the page of sending."""

    list_display = ("scope", "reason", "by", "at")
    list_select_related = ("by",)
    ordering = ("-at",)


@admin.register(Route)
class RouteAdmin(WrittenDownAdmin):
    """How each tier chooses among its channels."""

    list_display = ("tier", "policy")
    ordering = ("tier",)


@admin.register(ReceiptCode)
class ReceiptCodeAdmin(WrittenDownAdmin):
    """What the codes of failed receipts mean."""

    list_display = ("code", "meaning", "advice", "effect")
    list_filter = ("effect",)
    search_fields = ("code", "meaning")
    ordering = ("code",)


@admin.register(CalendarDay)
class CalendarDayAdmin(WrittenDownAdmin):
    """Public holidays, adjusted working days and days without marketing."""

    list_display = ("day", "kind", "name", "is_confirmed")
    list_filter = ("kind", "is_confirmed")
    list_editable = ("is_confirmed",)
    date_hierarchy = "day"
    ordering = ("-day",)
    actions = ["confirm"]  # type: ignore[assignment]  # the base has none

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """In the list a field has no label beside it, so it carries its own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = str(field.label)
        return field

    @admin.action(description=_("Confirm the chosen days"), permissions=["change"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[CalendarDay]) -> None:
        """The chosen days stand in the State Council's notice."""
        try:
            calendar.confirm(days=[one.day for one in queryset], by=operator_of(request), now=clock.now())
        except DomainError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, _("The days are confirmed."), messages.SUCCESS)
