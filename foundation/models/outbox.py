"""News from a room to the rooms above it, written in the transaction that made the news."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutboxEvent(models.Model):
    """
    One piece of news. Its handlers are named in settings.OUTBOX_HANDLERS by topic.

    `payload` holds ids, never phones, codes or texts. Handlers may run twice.
    """

    topic = models.CharField(_("topic"), max_length=64)
    payload = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"))
    not_before = models.DateTimeField(_("not before"))
    attempts_count = models.PositiveIntegerField(_("tries"), default=0)
    last_error = models.TextField(_("last error"), blank=True, default="")
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    class Meta:
        verbose_name = _("outbox event")
        verbose_name_plural = _("outbox events")
        indexes = [
            # foundation.services.outbox.run_due: the oldest due events first.
            models.Index(name="outbox_due", fields=["not_before", "id"], condition=Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"
