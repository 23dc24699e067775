"""Counts that pages read, and the caps of each phone."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TallyColumns(models.Model):
    """What is counted: messages by dispatch, variant, channel, planned hour, state and reason."""

    dispatch_id = models.BigIntegerField(_("dispatch"))
    variant = models.CharField(_("variant"), max_length=1)
    channel_id = models.BigIntegerField(_("channel"))
    hour = models.DateTimeField(_("planned hour"))
    state = models.CharField(_("state"), max_length=12)
    reason = models.CharField(_("reason"), max_length=32)
    message_count = models.BigIntegerField(_("messages"))
    part_count = models.BigIntegerField(_("parts"))
    cost = models.BigIntegerField(_("cost (1/10000 yuan)"))

    class Meta:
        abstract = True


class TallyDelta(TallyColumns):
    """A change of a count, inserted with the change it counts; folded into Tally by a sweep."""

    class Meta:
        verbose_name = _("tally delta")
        verbose_name_plural = _("tally deltas")
        indexes = [models.Index(name="tally_delta_dispatch", fields=["dispatch_id"])]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Tally(TallyColumns):
    """Folded counts. What pages show is this plus the deltas, read in one statement."""

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(
                name="tally_once", fields=["dispatch_id", "variant", "channel_id", "hour", "state", "reason"]
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class CapEntry(models.Model):
    """A slot that a message holds against the caps of its phone; taking it twice is harmless."""

    message_id = models.BigIntegerField(_("message"), primary_key=True)
    phone_hash = models.UUIDField(_("phone hash"))
    fingerprint = models.UUIDField(_("text fingerprint"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("cap entry")
        verbose_name_plural = _("cap entries")
        indexes = [models.Index(name="cap_phone", fields=["phone_hash", "at"])]  # gate: what a phone got lately

    def __str__(self) -> str:
        return f"{self.message_id}"


class Heartbeat(models.Model):
    """When a part of the machine last showed that it lives (Beat, the sweeper)."""

    name = models.CharField(_("name"), max_length=32, primary_key=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
