"""Rights for a time: asked for by one person, granted by another, over by themselves."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.models.store import Store


class GrantState(models.TextChoices):
    ASKED = "ASKED", _("waiting")
    GRANTED = "GRANTED", _("granted")
    REFUSED = "REFUSED", _("refused")
    WITHDRAWN = "WITHDRAWN", _("taken back")
    ENDED = "ENDED", _("ended early")


class GrantQuerySet(models.QuerySet["RoleGrant"]):
    """What login and pages ask of grants."""

    def in_force_at(self, now: datetime) -> "GrantQuerySet":
        """Grants that give their role now. One whose time is over needs nobody to end it."""
        return self.filter(state=GrantState.GRANTED, until__gt=now)


class RoleGrant(models.Model):
    """
    A role, and the stores it is for, that an operator has until an instant.

    ASKED becomes GRANTED or REFUSED by somebody else, or WITHDRAWN; GRANTED becomes ENDED, or runs out by itself.
    """

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("operator"), on_delete=models.PROTECT, related_name="grants"
    )
    role = models.ForeignKey(Group, verbose_name=_("role"), on_delete=models.PROTECT, related_name="grants")
    stores = models.ManyToManyField(Store, verbose_name=_("stores"), blank=True, related_name="grants")
    state = models.CharField(_("state"), max_length=10, choices=GrantState.choices, default=GrantState.ASKED)
    reason = models.CharField(_("reason"), max_length=200)
    until = models.DateTimeField(_("until"))
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("decided by"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("right for a time")
        verbose_name_plural = _("rights for a time")
        permissions = [("decide_rolegrant", "Can grant rights that somebody else asked for")]
        constraints = [
            models.CheckConstraint(name="grant_by_another", condition=~Q(decided_by=F("operator"))),
            models.CheckConstraint(name="grant_ends_later", condition=Q(until__gt=F("asked_at"))),
            models.CheckConstraint(
                name="grant_decided_by_somebody",
                condition=Q(state__in=["ASKED", "WITHDRAWN"]) | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.UniqueConstraint(name="grant_asked_once", fields=["operator", "role"], condition=Q(state="ASKED")),
        ]
        indexes = [
            models.Index(name="grant_in_force", fields=["operator", "until"], condition=Q(state="GRANTED")),
        ]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.role_id}"
