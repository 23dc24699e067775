"""Third-party admin pages under our theme: the schedule of Celery Beat, as rows to look at."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from foundation.admin_mixins import ReadOnlyAdmin


def dress() -> None:
    """Third-party rows under our theme, or no pages at all for what services alone write."""
    for model in (TOTPDevice, StaticDevice):
        admin.site.unregister(model)
    _dress_schedule()


def _dress_schedule() -> None:
    """Register Beat's rows with our own classes; schedules that are never used are left out."""
    for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
        admin.site.unregister(model)
    admin.site.register(PeriodicTask, PeriodicTaskAdmin)


class PeriodicTaskAdmin(ReadOnlyAdmin):
    """What Beat rings for. Rows decide what is due; the schedule only says how often to look."""

    list_display = ("name", "called", "interval", "crontab", "enabled", "last_run_at")
    list_select_related = ("interval", "crontab")
    ordering = ("name",)
    fields = ("name", "called", "interval", "crontab", "enabled", "last_run_at", "description")

    @admin.display(description=_("task"), ordering="task")
    def called(self, row: PeriodicTask) -> str:
        """The task by its name; Beat's own word for it can't be translated."""
        return str(row.task)
