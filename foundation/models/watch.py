"""What went wrong and wants a person, and the nightly proof that ledgers agree."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Alert(models.Model):
    """
    Something a person must know. One open row per code and subject, however often it happens.

    `code` chooses the sentence and the advice on the page, `facts` fill them; neither holds a phone.
    """

    code = models.CharField(_("code"), max_length=40)
    subject = models.CharField(_("subject"), max_length=96)
    facts = models.JSONField(_("detail"), default=dict, blank=True)
    first_at = models.DateTimeField(_("first seen"))
    last_at = models.DateTimeField(_("last seen"))
    times_count = models.PositiveIntegerField(_("times"), default=1)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("closed by"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+",
    )  # fmt: skip

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(
                name="alert_open_once", fields=["code", "subject"], condition=Q(closed_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.subject}"


class LedgerProof(models.Model):
    """One nightly check of one ledger: how many rows were looked at and how many did not agree."""

    name = models.CharField(pgettext_lazy("proof", "check"), max_length=40)
    at = models.DateTimeField(_("at"))
    checked_count = models.PositiveBigIntegerField(_("looked at"))
    wrong_count = models.PositiveBigIntegerField(_("wrong"))
    samples = models.JSONField(_("examples"), default=list, blank=True)

    class Meta:
        verbose_name = _("ledger proof")
        verbose_name_plural = _("ledger proofs")
        indexes = [models.Index(name="proof_latest", fields=["name", "-id"])]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"
