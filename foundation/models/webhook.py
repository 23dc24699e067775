"""What other systems are told: where to, what, and how each telling went."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class WebhookEndpoint(models.Model):
    """An address of another system, the topics it wants, and the sealed secret that signs what it is told."""

    name = models.CharField(pgettext_lazy("thing", "name"), max_length=64, unique=True)
    url = models.URLField(_("address"), max_length=300)
    topics = ArrayField(models.CharField(max_length=32), verbose_name=_("is told"))
    cipher = models.BinaryField(_("sealed secret"), editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("made by"), on_delete=models.PROTECT, related_name="+", editable=False
    )
    made_at = models.DateTimeField(_("made at"), editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """Its name in alerts and in the audit."""
        return f"foundation.webhookendpoint:{self.pk}"


class WebhookCursor(models.Model):
    """Up to which row of a ledger an endpoint's calls are written. A new endpoint begins behind what there is."""

    endpoint = models.ForeignKey(
        WebhookEndpoint, verbose_name=_("webhook"), on_delete=models.CASCADE, related_name="cursors"
    )
    topic = models.CharField(_("topic"), max_length=32)
    last_id = models.BigIntegerField(_("last row"))

    class Meta:
        verbose_name = _("cursor of a webhook")
        verbose_name_plural = _("cursors of webhooks")
        constraints = [models.UniqueConstraint(name="webhook_cursor_once", fields=["endpoint", "topic"])]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.topic} {self.last_id}"


class WebhookCallState(models.TextChoices):
    WAITING = "WAITING", pgettext_lazy("webhook", "waiting")
    DONE = "DONE", pgettext_lazy("webhook", "told")
    FAILED = "FAILED", pgettext_lazy("webhook", "given up")


class WebhookCall(models.Model):
    """One thing to tell one endpoint. Told at least once; its number stays the same, so that a repeat is known."""

    endpoint = models.ForeignKey(
        WebhookEndpoint, verbose_name=_("webhook"), on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    topic = models.CharField(_("topic"), max_length=32)
    row_id = models.BigIntegerField(_("row"))
    payload = models.JSONField(_("payload"))
    state = models.CharField(
        _("state"), max_length=8, choices=WebhookCallState.choices, default=WebhookCallState.WAITING
    )
    attempts_count = models.PositiveSmallIntegerField(_("tries"), default=0)
    not_before = models.DateTimeField(_("not before"))
    created_at = models.DateTimeField(_("created at"))
    done_at = models.DateTimeField(_("done at"), null=True)
    answer = models.CharField(_("answer"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("webhook call")
        verbose_name_plural = _("webhook calls")
        constraints = [models.UniqueConstraint(name="webhook_call_once", fields=["endpoint", "topic", "row_id"])]
        indexes = [
            models.Index(name="webhook_due", fields=["not_before", "id"], condition=Q(state="WAITING")),  # take_due
            models.Index(name="webhook_latest", fields=["endpoint", "-id"]),  # its page
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"
