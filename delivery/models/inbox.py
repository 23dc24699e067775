"""What comes back: receipts, replies, taps on links. Raw first, understood later."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Receipt(models.Model):
    """A delivery receipt as it came. A repeated one is the same row; one without a message waits."""

    channel_id = models.BigIntegerField(_("channel"))
    vendor_id = models.CharField(_("provider's id"), max_length=64)
    is_delivered = models.BooleanField(_("delivered"))
    vendor_code = models.CharField(_("provider's code"), max_length=32, blank=True, default="")
    reported_at = models.DateTimeField(_("reported at"))
    received_at = models.DateTimeField(_("received at"))
    merged_at = models.DateTimeField(_("merged at"), null=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [models.UniqueConstraint(name="receipt_once", fields=["channel_id", "vendor_id", "vendor_code"])]
        indexes = [models.Index(name="receipt_open", fields=["id"], condition=Q(merged_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.vendor_id} {self.vendor_code}"


class ReplyState(models.TextChoices):
    NEW = "NEW", _("new")
    OPT_OUT = "OPT_OUT", _("opt-out")
    INBOX = "INBOX", _("to be read")
    DONE = "DONE", _("done")


class Reply(models.Model):
    """A message from a phone. The text is kept for staff to read; opt-outs act at once."""

    channel_id = models.BigIntegerField(_("channel"))
    vendor_id = models.CharField(_("provider's id"), max_length=64)
    phone_hash = models.UUIDField(_("phone hash"))
    phone_tail = models.CharField(_("phone ends in"), max_length=4)
    text = models.CharField(_("text"), max_length=500)
    state = models.CharField(_("state"), max_length=10, choices=ReplyState.choices, default=ReplyState.NEW)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        constraints = [models.UniqueConstraint(name="reply_once", fields=["channel_id", "vendor_id"])]
        indexes = [models.Index(name="reply_phone", fields=["phone_hash", "id"])]  # timeline of a phone

    def __str__(self) -> str:
        return f"****{self.phone_tail} #{self.pk}"


class Link(models.Model):
    """A short link `/l/<token>` and the address it leads to; never an address from the request."""

    token = models.CharField(_("token"), max_length=11, unique=True, db_collation="C")
    target = models.URLField(_("leads to"), max_length=500)
    note = models.CharField(_("note"), max_length=80, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), editable=False)

    class Meta:
        verbose_name = _("short link")
        verbose_name_plural = _("short links")

    def __str__(self) -> str:
        return self.note or self.target


class Click(models.Model):
    """One hit on a short link, kept raw."""

    link = models.ForeignKey(Link, verbose_name=_("short link"), on_delete=models.CASCADE, related_name="clicks")
    at = models.DateTimeField(_("at"))
    is_preview = models.BooleanField(_("preview by a machine"))

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")

    def __str__(self) -> str:
        return f"{self.link_id} #{self.pk}"
