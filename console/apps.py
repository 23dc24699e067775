"""Django app of the console."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate  # noqa: TID251  the one way to run after a migration
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
        from console.permissions import sync_after_migrate
        from console.site import dress

        dress()
        # Permissions are made app by app; roles can be made once the last one has its own.
        last = [one for one in apps.get_app_configs() if one.models_module is not None][-1]
        post_migrate.connect(sync_after_migrate, sender=last)
