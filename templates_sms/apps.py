"""Django app of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TemplatesSmsConfig(AppConfig):
    name = "templates_sms"
    verbose_name = _("Templates")
    default_auto_field = "django.db.models.BigAutoField"
