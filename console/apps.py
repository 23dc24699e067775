"""Django app of the console."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = _("Console")


class ScheduleConfig(AppConfig):
    """Loaded last: third-party admin pages get our theme once all of them are registered."""

    name = "console.dressing"
    label = "dressing"
    verbose_name = _("Schedule")

    def ready(self) -> None:
        from console.site import dress

        dress()
