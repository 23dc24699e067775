"""The ledger of who was to get what, its queue, its fence and its neighbours."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from delivery.models.control import DayRule
from templates_sms.models import Tier


class DispatchState(models.TextChoices):
    FILLING = "FILLING", _("being filled")
    OPEN = "OPEN", _("sending")
    PAUSED = "PAUSED", _("paused")
    STOPPED = "STOPPED", _("stopped")
    CLOSED = "CLOSED", _("finished")


class CapPolicy(models.TextChoices):
    DEFER = "DEFER", _("send later")
    EXCLUDE = "EXCLUDE", _("leave out")


class Dispatch(models.Model):
    """
    The set that one run or one call asks for. Pausing it or waiting for the morning is this one row.

    `month` is the partition of all its messages. Window minutes are of the day in Asia/Shanghai, half-open.
    `only_channel_id` is for tests of a channel, which may be drained.
    """

    month = models.DateField(_("month"))
    source = models.CharField(_("asked for by"), max_length=64, unique=True)
    tier = models.CharField(_("tier"), max_length=16, choices=Tier.choices)
    priority = models.PositiveSmallIntegerField(_("priority"), default=100)
    state = models.CharField(_("state"), max_length=10, choices=DispatchState.choices, default=DispatchState.FILLING)
    not_before = models.DateTimeField(_("not before"))
    expires_at = models.DateTimeField(_("expires at"))
    window_from_minute = models.PositiveSmallIntegerField(_("window from"), default=480)
    window_until_minute = models.PositiveSmallIntegerField(_("window until"), default=1260)
    cap_policy = models.CharField(_("over a cap"), max_length=10, choices=CapPolicy.choices, default=CapPolicy.DEFER)
    day_rule = models.CharField(
        _("on which days"), max_length=10, choices=DayRule.choices, default=DayRule.ANY, db_default=DayRule.ANY
    )
    only_channel_id = models.BigIntegerField(_("only through channel"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    closed_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("dispatch")
        verbose_name_plural = _("dispatches")
        indexes = [
            # pump: which dispatches have work
            models.Index(name="dispatch_open", fields=["tier", "priority", "id"], condition=Q(state="OPEN")),
            models.Index(name="dispatch_when", fields=["not_before"]),  # home: today, the last 24 hours
        ]

    def __str__(self) -> str:
        return self.source


class MessageState(models.TextChoices):
    PLANNED = "PLANNED", pgettext_lazy("message", "waiting")
    CLAIMED = "CLAIMED", pgettext_lazy("message", "being sent")
    UNSURE = "UNSURE", pgettext_lazy("message", "unsure")
    ACCEPTED = "ACCEPTED", pgettext_lazy("message", "submitted")
    DELIVERED = "DELIVERED", pgettext_lazy("message", "delivered")
    UNDELIVERED = "UNDELIVERED", pgettext_lazy("message", "not delivered")
    UNREPORTED = "UNREPORTED", pgettext_lazy("message", "no receipt")
    REFUSED = "REFUSED", pgettext_lazy("message", "refused")
    EXCLUDED = "EXCLUDED", pgettext_lazy("message", "left out")
    EXPIRED = "EXPIRED", pgettext_lazy("message", "expired")
    CANCELLED = "CANCELLED", pgettext_lazy("message", "cancelled")


class Message(models.Model):
    """
    One message to one person: the ledger. Partitioned by `month`; every change is a compare-and-swap.

    Phone and text survive changes to member and template. `params` rebuild the text at any time.
    `sender_ref` is the sender's own row (a coupon), given back in news about the message.
    """

    pk = models.CompositePrimaryKey("month", "id")
    month = models.DateField(_("month"))
    id = models.BigIntegerField(_("number"))
    dispatch_id = models.BigIntegerField(_("dispatch"))
    variant = models.CharField(_("variant"), max_length=1)
    dedupe_key = models.UUIDField(_("dedupe key"))
    tier = models.CharField(_("tier"), max_length=16, choices=Tier.choices)
    template_version_id = models.BigIntegerField(_("template version"), null=True)
    params = models.JSONField(_("values"))
    member_id = models.BigIntegerField(_("member"), null=True)
    phone_hash = models.UUIDField(_("phone hash"))
    phone_cipher = models.BinaryField(_("sealed phone"))
    phone_tail = models.CharField(_("phone ends in"), max_length=4)
    carrier = models.CharField(_("carrier"), max_length=10)
    is_demo = models.BooleanField(_("demo"))
    state = models.CharField(_("state"), max_length=12, choices=MessageState.choices)
    reason = models.CharField(_("reason"), max_length=32)
    not_before = models.DateTimeField(_("not before"))
    expires_at = models.DateTimeField(_("expires at"))
    fingerprint = models.UUIDField(_("text fingerprint"))
    sender_ref = models.BigIntegerField(_("sender's reference"), null=True)
    channel_id = models.BigIntegerField(_("channel"), null=True)
    parts = models.PositiveSmallIntegerField(_("parts"))
    cost = models.PositiveIntegerField(_("cost (1/10000 yuan)"))
    tries = models.PositiveSmallIntegerField(_("tries"))
    submitted_at = models.DateTimeField(_("submitted at"), null=True)
    done_at = models.DateTimeField(_("done at"), null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        managed = False
        db_table = "delivery_message"

    def __str__(self) -> str:
        return f"{self.month}/{self.id}"


class MessageNews(models.Model):
    """
    That a message which another system asked for has ended, or ended otherwise. Insert-only: webhooks read it behind
    a cursor. Messages of campaigns leave none.
    """

    month = models.DateField(_("month"))
    message_id = models.BigIntegerField(_("message"))
    dispatch_id = models.BigIntegerField(_("dispatch"))
    state = models.CharField(_("state"), max_length=12, choices=MessageState.choices)
    reason = models.CharField(_("reason"), max_length=32, blank=True, default="")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("news of a message")
        verbose_name_plural = _("news of messages")

    def __str__(self) -> str:
        return f"{self.message_id} {self.state}"


class Ready(models.Model):
    """The queue: one narrow row per message that may be taken; deleted at claim."""

    message_id = models.BigIntegerField(_("message"), primary_key=True)
    month = models.DateField(_("month"))
    dispatch_id = models.BigIntegerField(_("dispatch"))
    carrier = models.CharField(_("carrier"), max_length=10, db_default="")
    priority = models.PositiveSmallIntegerField(_("priority"))
    not_before = models.DateTimeField(_("not before"))

    class Meta:
        verbose_name = _("queue entry")
        verbose_name_plural = _("queue")
        indexes = [
            # sql/take_ready: the next of one lot (dispatch and carrier)
            models.Index(
                name="ready_take_lot", fields=["dispatch_id", "carrier", "priority", "not_before", "message_id"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}"


class HandoffState(models.TextChoices):
    TAKEN = "TAKEN", _("taken")
    FENCED = "FENCED", _("handed over")
    RECORDED = "RECORDED", _("recorded")
    RETURNED = "RETURNED", _("given back")
    LOST = "LOST", _("worker lost")


class Handoff(models.Model):
    """
    The fence of one chunk. TAKEN → FENCED is committed just before the provider is called.

    A lease lost before the fence gives the chunk back; lost after it, the chunk is UNSURE.
    """

    month = models.DateField(_("month"))
    dispatch_id = models.BigIntegerField(_("dispatch"))
    channel = models.ForeignKey(
        "delivery.Channel", verbose_name=_("channel"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(_("state"), max_length=10, choices=HandoffState.choices)
    message_ids = ArrayField(models.BigIntegerField(), verbose_name=_("messages"))
    lease_until = models.DateTimeField(_("lease until"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("hand-off")
        verbose_name_plural = _("hand-offs")
        indexes = [
            # sweep: chunks whose worker is gone
            models.Index(name="handoff_open", fields=["lease_until"], condition=Q(state__in=["TAKEN", "FENCED"])),
            models.Index(name="handoff_dispatch", fields=["dispatch_id", "created_at"]),  # run page: how fast it goes
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"


class UnsureMessage(models.Model):
    """
    A message that may or may not have been taken, until a receipt, the provider's answer or a person settles it.

    Written and deleted with the change of state. `next_check_at` is null once the provider is asked no more.
    """

    message_id = models.BigIntegerField(_("message"), primary_key=True)
    month = models.DateField(_("month"))
    dispatch_id = models.BigIntegerField(_("dispatch"))
    channel_id = models.BigIntegerField(_("channel"))
    since = models.DateTimeField(_("unsure since"))
    next_check_at = models.DateTimeField(_("asked again at"), null=True)
    check_count = models.PositiveSmallIntegerField(_("times asked"), default=0, db_default=0)
    absent_count = models.PositiveSmallIntegerField(_("times unknown to the provider"), default=0, db_default=0)

    class Meta:
        verbose_name = _("unsure message")
        verbose_name_plural = _("unsure messages")
        permissions = [("settle_unsure", "Can say whether unsure messages were sent")]
        indexes = [models.Index(name="unsure_due", fields=["next_check_at"], condition=Q(next_check_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.message_id}"


class VendorRef(models.Model):
    """Where a provider's id leads to. Insert-only, dropped after days."""

    channel_id = models.BigIntegerField(_("channel"))
    vendor_id = models.CharField(_("provider's id"), max_length=64)
    month = models.DateField(_("month"))
    message_id = models.BigIntegerField(_("message"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("provider reference")
        verbose_name_plural = _("provider references")
        constraints = [models.UniqueConstraint(name="vendor_ref_once", fields=["channel_id", "vendor_id"])]

    def __str__(self) -> str:
        return self.vendor_id


class Attempt(models.Model):
    """A try that did not end well, and every one after the first."""

    month = models.DateField(_("month"))
    message_id = models.BigIntegerField(_("message"))
    channel_id = models.BigIntegerField(_("channel"))
    at = models.DateTimeField(_("at"))
    category = models.CharField(_("category"), max_length=16)
    vendor_code = models.CharField(_("provider's code"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("try")
        verbose_name_plural = _("tries")
        indexes = [models.Index(name="attempt_message", fields=["message_id"])]  # timeline

    def __str__(self) -> str:
        return f"{self.message_id} {self.category}"
