"""What comes back: receipts, replies, taps on links. Raw first, understood later."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Receipt(models.Model):
    """
    A delivery receipt as it came. A repeated one is the same row; one without a message waits.

    `reference` is our own number for the message, from providers that give it back. `merge_after` is null once
    nobody looks for its message any more.
    """

    channel_id = models.BigIntegerField(_("channel"))
    vendor_id = models.CharField(_("provider's id"), max_length=64)
    reference = models.CharField(_("our reference"), max_length=32, blank=True, default="", db_default="")
    is_delivered = models.BooleanField(_("delivered"))
    vendor_code = models.CharField(_("provider's code"), max_length=32, blank=True, default="")
    reported_at = models.DateTimeField(_("reported at"))
    received_at = models.DateTimeField(_("received at"))
    merged_at = models.DateTimeField(_("merged at"), null=True)
    merge_after = models.DateTimeField(_("looked at again"), null=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [models.UniqueConstraint(name="receipt_once", fields=["channel_id", "vendor_id", "vendor_code"])]
        indexes = [
            # inbox: receipts that wait to be merged
            models.Index(name="receipt_due", fields=["merge_after", "id"], condition=Q(merged_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.vendor_id} {self.vendor_code}"


class NoteKind(models.TextChoices):
    RECEIPT = "RECEIPT", _("receipt")
    REPLY = "REPLY", _("reply")


class UnreadNote(models.Model):
    """A row that a provider told and nobody could read. Sealed, because it may hold a phone and what somebody wrote."""

    channel_id = models.BigIntegerField(_("channel"))
    kind = models.CharField(_("kind"), max_length=10, choices=NoteKind.choices)
    fault = models.CharField(_("what is wrong"), max_length=120)
    row_cipher = models.BinaryField(_("sealed row"))
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("note that could not be read")
        verbose_name_plural = _("notes that could not be read")

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class FailureEffect(models.TextChoices):
    NONE = "NONE", _("nothing")
    SOFT = "SOFT", _("suppress when it happens again")
    HARD = "HARD", _("suppress")


class ReceiptCode(models.Model):
    """
    What a code in a failed receipt means, for people and for the suppression list. Carriers add codes often.

    A code that ends in `*` stands for all that begin so; the longest match wins.
    """

    code = models.CharField(_("provider's code"), max_length=32, primary_key=True)
    meaning = models.CharField(_("meaning"), max_length=40)
    advice = models.CharField(_("advice"), max_length=120, blank=True, default="")
    effect = models.CharField(_("effect on the number"), max_length=10, choices=FailureEffect.choices, default="NONE")

    class Meta:
        verbose_name = _("receipt code")
        verbose_name_plural = _("receipt codes")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.meaning}"


class ReplyState(models.TextChoices):
    NEW = "NEW", _("new")
    OPT_OUT = "OPT_OUT", _("opt-out")
    INBOX = "INBOX", _("to be read")
    HANDLED = "HANDLED", _("answered by rule")
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
    phone_cipher = models.BinaryField(_("sealed phone"), null=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("looked after by"), null=True, on_delete=models.PROTECT,
        related_name="+",
    )  # fmt: skip
    done_at = models.DateTimeField(_("done at"), null=True)

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        constraints = [models.UniqueConstraint(name="reply_once", fields=["channel_id", "vendor_id"])]
        permissions = [("answer_reply", "Can read and answer replies")]
        indexes = [
            models.Index(name="reply_phone", fields=["phone_hash", "id"]),  # timeline of a phone
            models.Index(name="reply_inbox", fields=["id"], condition=Q(state="INBOX")),  # what staff have to read
        ]

    def __str__(self) -> str:
        return f"****{self.phone_tail} #{self.pk}"


class ReplyAnswer(models.Model):
    """What staff wrote back to one reply; the message itself is in the ledger, in the notice tier."""

    reply = models.ForeignKey(Reply, verbose_name=_("reply"), on_delete=models.CASCADE, related_name="answers")
    dispatch_id = models.BigIntegerField(_("dispatch"), unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("who"), on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    def __str__(self) -> str:
        return f"{self.reply_id} #{self.pk}"


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
    """
    One hit on a short link, kept raw. A person's click is neither a preview nor a repeat (`rules.clicks`).

    `visitor` is a keyed hash of address and browser, there only to know repeats.
    """

    link = models.ForeignKey(Link, verbose_name=_("short link"), on_delete=models.CASCADE, related_name="clicks")
    at = models.DateTimeField(_("at"))
    is_preview = models.BooleanField(_("preview by a machine"))
    is_repeat = models.BooleanField(_("repeat"), default=False, db_default=False)
    visitor = models.UUIDField(_("visitor"), null=True)

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")
        indexes = [models.Index(name="click_visitor", fields=["link", "visitor", "at"])]  # repeats of a visitor

    def __str__(self) -> str:
        return f"{self.link_id} #{self.pk}"
