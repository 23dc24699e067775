"""Operators, jobs, audit, outbox."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import UserChangeForm
from unfold.widgets import UnfoldAdminTextInputWidget

from foundation import clock
from foundation.admin_mixins import ReadOnlyAdmin, operator_of
from foundation.models import AuditEntry, Job, Operator, OutboxEvent
from foundation.phone import PhoneRefused, mask_tail, parse_mobile
from foundation.services import audit
from foundation.services.leaving import stop_work
from foundation.services.phones import seal

admin.site.unregister(Group)


class RolesField(forms.ModelMultipleChoiceField):
    """Roles by their names for people."""

    def label_from_instance(self, obj: Group) -> str:
        """What the console calls a role."""
        name: str = import_string(settings.ROLE_NAME)(obj.name)
        return name


class OperatorCreationForm(forms.ModelForm):
    """A login name. Nobody types a password for somebody else: a one-time one is given on the page of their access."""

    class Meta:
        model = Operator
        fields = ("username", "display_name")
        widgets = {"username": UnfoldAdminTextInputWidget, "display_name": UnfoldAdminTextInputWidget}

    def save(self, commit: bool = True) -> Operator:
        """Without a password nobody gets in."""
        self.instance.set_unusable_password()
        saved: Operator = super().save(commit=commit)
        return saved


class OperatorChangeForm(UserChangeForm):
    """All of an operator but the password. The phone is entered, kept sealed and never shown again."""

    phone = forms.CharField(
        label=_("own phone"), required=False, max_length=20, widget=UnfoldAdminTextInputWidget,
        help_text=_("Campaigns can be tried out on it, by this operator only. Empty: none."),
    )  # fmt: skip

    class Meta:
        model = Operator
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.phone_tail:
            self.initial["phone"] = mask_tail(self.instance.phone_tail)

    def clean_phone(self) -> str:
        """An 11-digit number, nothing, or the mask that was shown."""
        phone: str = self.cleaned_data["phone"]
        if not phone or "phone" not in self.changed_data:
            return phone
        try:
            return parse_mobile(phone)
        except PhoneRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def save(self, commit: bool = True) -> Operator:
        """Seal a phone that was entered, forget one that was taken out."""
        if "phone" in self.changed_data:
            sealed = seal(self.cleaned_data["phone"]) if self.cleaned_data["phone"] else None
            self.instance.phone_cipher = sealed.cipher if sealed else None
            self.instance.phone_tail = sealed.tail if sealed else ""
        saved: Operator = super().save(commit=commit)
        return saved


@admin.register(Operator)
class OperatorAdmin(UserAdmin, ModelAdmin):
    """Who may log in, with which roles."""

    form = OperatorChangeForm
    add_form = OperatorCreationForm
    list_display = ("username", "display_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("username", "display_name")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "access", "display_name", "email", "phone")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "groups")}),
        (_("Dates"), {"fields": ("last_login",)}),
    )
    add_fieldsets = ((None, {"fields": ("username", "display_name")}),)
    readonly_fields = ("last_login", "access")
    actions = None

    @admin.display(description=_("access"))
    def access(self, operator: Operator) -> str:
        """The way to what IT does for this operator."""
        return format_html(
            '<a class="k-link" href="{}">{}</a>', reverse("operator-access", args=[operator.pk]),
            _("One-time password, locks, logins"),
        )  # fmt: skip

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Django's page for typing somebody's password gives way to one-time passwords."""
        return redirect("operator-access", pk=id)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Roles as check boxes, by their names for people: there are few of them."""
        return super().formfield_for_manytomany(
            db_field, request, **kwargs | {"form_class": RolesField, "widget": forms.CheckboxSelectMultiple}
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may do everything is changed by their like only."""
        is_above = obj is not None and obj.is_superuser and not operator_of(request).is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody gives rights to themselves; they ask for them."""
        own = ("is_active", "is_staff", "groups") if obj is not None and obj.pk == operator_of(request).pk else ()
        return (*super().get_readonly_fields(request, obj), *own)

    def save_model(self, request: HttpRequest, obj: Operator, form: Any, change: bool) -> None:
        """Who gave whom which rights is written down."""
        super().save_model(request, obj, form, change)
        roles = form.cleaned_data["groups"] if "groups" in form.changed_data else ()
        audit.record(
            action="operator.changed" if change else "operator.added", subject=f"foundation.operator:{obj.pk}",
            by=operator_of(request), now=clock.now(), fields=sorted(form.changed_data),
            roles=sorted(one.name for one in roles),
        )  # fmt: skip
        if change and not obj.is_active and "is_active" in form.changed_data:
            stop_work(
                operator_id=obj.pk, store_id=None, why="deactivated", by=operator_of(request), now=clock.now()
            )  # fmt: skip


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Long work and how it ended."""

    list_display = ("title", "state", "done_count", "total_count", "by", "created_at", "finished_at")
    list_filter = ("state", "kind")
    list_select_related = ("by",)
    ordering = ("-id",)
    fields = ("title", "kind", "state", "done_count", "total_count", "error", "by", "created_at", "finished_at")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "action", "subject")
    list_filter = ("action",)
    search_fields = ("subject",)
    list_select_related = ("actor",)
    ordering = ("-id",)


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """News on its way between rooms."""

    list_display = ("topic", "created_at", "attempts_count", "not_before", "done_at", "last_error")
    list_filter = ("topic", ("done_at", admin.EmptyFieldListFilter))
    ordering = ("-id",)
