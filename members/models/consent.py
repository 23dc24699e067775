"""To which phone may we write: the consent ledger, the gate row, the suppression list."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.models.append_only import append_only


class Consent(models.TextChoices):
    NONE = "NONE", _("no consent")
    GRANTED = "GRANTED", _("consent given")
    OPTED_OUT = "OPTED_OUT", _("opted out")


class ConsentSource(models.TextChoices):
    IMPORT = "IMPORT", _("member file")
    REPLY = "REPLY", _("reply to a message")
    PREFERENCE_PAGE = "PREFERENCE_PAGE", _("preference page")
    OPERATOR = "OPERATOR", _("operator")
    API = "API", _("API")


class ConsentEvent(models.Model):
    """
    One change of one phone's marketing consent, with its proof. Append-only.

    `proof` says where it can be seen again: file and line, reply number, page.
    """

    phone_hash = models.UUIDField(_("phone hash"))
    consent = models.CharField(_("consent"), max_length=10, choices=Consent.choices)
    source = models.CharField(_("source"), max_length=16, choices=ConsentSource.choices)
    proof = models.CharField(_("proof"), max_length=200)
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent ledger")
        indexes = [
            models.Index(name="consent_phone", fields=["phone_hash", "id"]),  # a phone's history
            models.Index(name="consent_at", fields=["consent", "at"]),  # opt-outs of a period
            # members/sql/undo_consent.sql: what one file said
            models.Index(name="consent_proof", fields=["proof"], condition=models.Q(source="IMPORT")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.consent} #{self.pk}"


class PhoneGate(models.Model):
    """
    The one row per phone that opt-outs and the sending gate both lock.

    `consent` is the last word of the ledger. An import never moves it out of OPTED_OUT.
    """

    phone_hash = models.UUIDField(_("phone hash"), primary_key=True)
    consent = models.CharField(_("consent"), max_length=10, choices=Consent.choices, default=Consent.NONE)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("phone gate")
        verbose_name_plural = _("phone gates")

    def __str__(self) -> str:
        return f"{self.phone_hash}"


class SuppressionKind(models.TextChoices):
    HARD_FAILURE = "HARD_FAILURE", _("number out of service")
    COMPLAINT = "COMPLAINT", _("complaint")
    CHANNEL_BLACKLIST = "CHANNEL_BLACKLIST", _("blocked by the carrier")
    MANUAL = "MANUAL", _("put on the list by an operator")
    ERASED = "ERASED", _("asked to be erased")


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """What the business asks of the suppression list."""

    def in_force_at(self, now: object) -> "SuppressionQuerySet":
        """Entries that forbid writing at `now`; `until` itself is free again."""
        return self.filter(models.Q(until__isnull=True) | models.Q(until__gt=now))


class Suppression(models.Model):
    """A phone nobody may write to, whatever its consent; for good or until a date."""

    phone_hash = models.UUIDField(_("phone hash"))
    phone_tail = models.CharField(_("phone ends in"), max_length=4, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, choices=SuppressionKind.choices)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppression list")
        constraints = [models.UniqueConstraint(name="suppression_once", fields=["phone_hash", "kind"])]

    def __str__(self) -> str:
        return f"****{self.phone_tail} {self.kind}"


class PreferenceLink(models.Model):
    """The token of a phone's preference page `/p/<token>`; made when a message first carries it."""

    token = models.CharField(_("token"), max_length=11, primary_key=True, db_collation="C")
    phone_hash = models.UUIDField(_("phone hash"), unique=True)

    class Meta:
        verbose_name = _("preference link")
        verbose_name_plural = _("preference links")

    def __str__(self) -> str:
        return f"{self.token[:2]}…"
