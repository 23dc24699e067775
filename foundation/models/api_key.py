"""Who calls the API, and with what it signs."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ApiKey(models.Model):
    """
    One system that may call. It acts as its own operator, who can't log in, so that every ledger names it.

    No `networks` means from anywhere. It reaches the stores its operator works for (members.StoreScope), or every one.
    """

    key_id = models.CharField(_("key id"), max_length=24, unique=True, editable=False)
    name = models.CharField(pgettext_lazy("thing", "name"), max_length=64, unique=True)
    operator = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("acts as"), on_delete=models.PROTECT, related_name="api_key",
        editable=False,
    )  # fmt: skip
    scopes = ArrayField(models.CharField(max_length=32), verbose_name=_("may"), default=list, blank=True)
    reaches_every_store = models.BooleanField(_("for every store"), default=False)
    networks = ArrayField(models.CharField(max_length=43), verbose_name=_("may call from"), default=list, blank=True)
    calls_per_minute = models.PositiveIntegerField(_("calls per minute at most"), default=600)
    is_active = models.BooleanField(_("active"), default=True)
    expires_at = models.DateTimeField(_("ends"), null=True, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("made by"), on_delete=models.PROTECT, related_name="+", editable=False
    )
    made_at = models.DateTimeField(_("made at"), editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    last_used_from = models.GenericIPAddressField(_("last used from"), null=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(name="api_key_pace", condition=Q(calls_per_minute__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """Its name in the audit."""
        return f"foundation.apikey:{self.pk}"


class ApiSecret(models.Model):
    """A secret to sign with, sealed: a signature can't be checked against a hash. Two live ones let a key rotate."""

    key = models.ForeignKey(ApiKey, verbose_name=_("API key"), on_delete=models.CASCADE, related_name="secrets")
    cipher = models.BinaryField(_("sealed secret"))
    made_at = models.DateTimeField(_("made at"))
    ends_at = models.DateTimeField(_("ends"), null=True)

    class Meta:
        verbose_name = _("API secret")
        verbose_name_plural = _("API secrets")
        constraints = [
            # The newest has no end; making the next one gives it one.
            models.UniqueConstraint(name="api_secret_newest", fields=["key"], condition=Q(ends_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.key_id} #{self.pk}"


class ApiNonce(models.Model):
    """A signature that was used. The unique pair is what makes a call that somebody recorded worthless."""

    key = models.ForeignKey(
        ApiKey, verbose_name=_("API key"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    nonce = models.CharField(_("nonce"), max_length=64)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("used nonce")
        verbose_name_plural = _("used nonces")
        constraints = [models.UniqueConstraint(name="api_nonce_once", fields=["key", "nonce"])]
        indexes = [models.Index(name="api_nonce_at", fields=["at"])]  # services.api_keys.clear_nonces

    def __str__(self) -> str:
        return f"{self.key_id} {self.at}"
