"""Who did what."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.models.append_only import append_only


class AuditEntry(models.Model):
    """One act of an operator or of the system. Append-only: the database refuses changes."""

    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    action = models.CharField(_("action"), max_length=64)
    subject = models.CharField(_("subject"), max_length=96)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [models.Index(name="audit_subject", fields=["subject", "id"])]  # the trail of one subject
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.action} {self.subject} #{self.pk}"
