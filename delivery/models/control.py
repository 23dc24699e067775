"""What staff hold or forbid: brakes and the calendar."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Brake(models.Model):
    """
    A held scope: `ALL`, or `TIER:MARKETING` and the like. While the row is there, no fence of the scope commits.

    One run is held by its dispatch, one channel by its state.
    """

    scope = models.CharField(_("scope"), max_length=24, primary_key=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("brake")
        verbose_name_plural = _("brakes")
        permissions = [("pull_brake", "Can stop and release all sending")]

    def __str__(self) -> str:
        return self.scope


class DayKind(models.TextChoices):
    HOLIDAY = "HOLIDAY", _("public holiday")
    WORKDAY = "WORKDAY", _("adjusted working day")
    BLACKOUT = "BLACKOUT", _("blackout: no marketing")


class CalendarDay(models.Model):
    """
    A day of Asia/Shanghai that is not like its weekday says. Marketing never leaves on a blackout day.

    `is_confirmed` is false for holidays that follow from the law while the State Council's yearly notice is not out.
    """

    day = models.DateField(_("day"), primary_key=True)
    kind = models.CharField(pgettext_lazy("day", "kind"), max_length=10, choices=DayKind.choices)
    name = models.CharField(_("name"), max_length=40)
    is_confirmed = models.BooleanField(_("confirmed"), default=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class DayRule(models.TextChoices):
    ANY = "ANY", _("any day")
    WORKDAYS = "WORKDAYS", _("working days only")
    RESTDAYS = "RESTDAYS", _("weekends and holidays only")
