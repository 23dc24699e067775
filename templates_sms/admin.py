"""Signatures and the chain's own word list."""

from django.contrib import admin

from foundation.admin_mixins import StaffAdmin
from templates_sms.models import SensitiveWord, Signature


@admin.register(Signature)
class SignatureAdmin(StaffAdmin):
    """Names in 【】."""

    list_display = ("name", "is_active")
    ordering = ("id",)


@admin.register(SensitiveWord)
class SensitiveWordAdmin(StaffAdmin):
    """Words of the chain's own, beside the built-in ones."""

    list_display = ("word", "kind", "advice", "substitute")
    list_filter = ("kind",)
    search_fields = ("word",)
    ordering = ("word",)
