"""The ways out: one row per account at a provider, and what is known of its health."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from foundation.phone import Carrier
from templates_sms.models import Tier

CARRIERS = [
    (Carrier.MOBILE, pgettext_lazy("carrier", "China Mobile")),
    (Carrier.UNICOM, pgettext_lazy("carrier", "China Unicom")),
    (Carrier.TELECOM, pgettext_lazy("carrier", "China Telecom")),
    (Carrier.BROADNET, pgettext_lazy("carrier", "China Broadnet")),
    (Carrier.VIRTUAL, pgettext_lazy("carrier", "virtual operator")),
    (Carrier.UNKNOWN, pgettext_lazy("carrier", "other")),
]


class ChannelState(models.TextChoices):
    """What staff want of a channel. What its provider makes of it is the circuit."""

    OPEN = "OPEN", pgettext_lazy("channel", "open")
    DRAINED = "DRAINED", _("drained")
    DISABLED = "DISABLED", _("switched off")


class Circuit(models.TextChoices):
    CLOSED = "CLOSED", pgettext_lazy("circuit", "carries")
    OPEN = "OPEN", pgettext_lazy("circuit", "broken")
    HALF_OPEN = "HALF_OPEN", pgettext_lazy("circuit", "on trial")


class Channel(models.Model):
    """
    An account at a provider. `vendor` names the adapter (`registry`), `config` is its own.

    Price and balance are 1/10000 yuan, capacity is parts a second, sending hours are minutes of the day in
    Asia/Shanghai (half-open). No `tiers` or `carriers` means all of them. `opt_out_words` end every marketing text.
    """

    code = models.SlugField(_("channel code"), max_length=32, unique=True)
    name = models.CharField(_("channel name"), max_length=64)
    vendor = models.CharField(_("provider"), max_length=32)
    config = models.JSONField(_("settings of the provider"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ChannelState.choices, default=ChannelState.OPEN)
    tiers = ArrayField(
        models.CharField(max_length=16, choices=Tier.choices),
        verbose_name=_("only for tiers"),
        default=list,
        blank=True,
    )
    carriers = ArrayField(
        models.CharField(max_length=10, choices=CARRIERS), verbose_name=_("only for carriers"), default=list, blank=True
    )
    weight = models.PositiveSmallIntegerField(_("weight"), default=100)
    price = models.PositiveIntegerField(_("price of a part (1/10000 yuan)"), default=0)
    parts_per_second = models.PositiveIntegerField(_("parts per second"), default=100)
    batch_size = models.PositiveSmallIntegerField(_("people per call"), default=200)
    daily_quota = models.PositiveIntegerField(_("parts per day at most"), null=True, blank=True)
    opens_at_minute = models.PositiveSmallIntegerField(_("takes messages from"), default=0)
    closes_at_minute = models.PositiveSmallIntegerField(_("takes messages until"), default=1440)
    balance = models.BigIntegerField(_("balance (1/10000 yuan)"), null=True, blank=True)
    balance_alert = models.BigIntegerField(_("warn below (1/10000 yuan)"), null=True, blank=True)
    opt_out_words = models.CharField(_("opt-out words"), max_length=20, default="拒收请回复R")
    webhook_token = models.CharField(_("receipt address token"), max_length=43, unique=True, editable=False)
    circuit = models.CharField(
        _("circuit"), max_length=10, choices=Circuit.choices, default=Circuit.CLOSED, db_default=Circuit.CLOSED,
        editable=False,
    )  # fmt: skip
    circuit_since = models.DateTimeField(_("circuit since"), null=True, blank=True, editable=False)
    broken_at = models.DateTimeField(_("broken since"), null=True, blank=True, editable=False)
    broken_reason = models.CharField(_("why"), max_length=200, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        constraints = [
            models.CheckConstraint(
                name="channel_hours",
                condition=Q(opens_at_minute__lt=F("closes_at_minute"), closes_at_minute__lte=1440),
            ),
            models.CheckConstraint(
                name="channel_capacity", condition=Q(parts_per_second__gte=1, batch_size__gte=1, batch_size__lte=1000)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulator(self) -> bool:
        """Whether it only pretends to send; demo members may be written to on such channels alone."""
        return self.vendor == "simulator"


class RoutePolicy(models.TextChoices):
    WEIGHTS = "WEIGHTS", _("by weight")
    CHEAPEST = "CHEAPEST", _("cheapest first")
    QUALITY = "QUALITY", _("best delivery first")


class Route(models.Model):
    """How the channels of one tier are chosen among. A tier without a row goes by weight."""

    tier = models.CharField(_("tier"), max_length=16, choices=Tier.choices, primary_key=True)
    policy = models.CharField(_("policy"), max_length=10, choices=RoutePolicy.choices, default=RoutePolicy.WEIGHTS)

    class Meta:
        verbose_name = _("route")
        verbose_name_plural = _("routes")

    def __str__(self) -> str:
        return f"{self.tier} {self.policy}"


class ChannelPulse(models.Model):
    """
    What one chunk or one batch of receipts told of a channel. Insert-only, kept for an hour: health is their sum.

    `delay_seconds` is the sum over the receipts counted here, from hand-over to the provider's report.
    """

    channel_id = models.BigIntegerField(_("channel"))
    at = models.DateTimeField(_("at"))
    accepted_count = models.PositiveIntegerField(_("accepted"), default=0)
    failed_count = models.PositiveIntegerField(_("failed"), default=0)
    unsure_count = models.PositiveIntegerField(_("unsure"), default=0)
    delivered_count = models.PositiveIntegerField(_("delivered"), default=0)
    undelivered_count = models.PositiveIntegerField(_("not delivered"), default=0)
    delay_seconds = models.PositiveBigIntegerField(_("delay (seconds, summed)"), default=0)
    part_count = models.PositiveIntegerField(_("parts"), default=0, db_default=0)

    class Meta:
        verbose_name = _("pulse of a channel")
        verbose_name_plural = _("pulses of channels")
        indexes = [models.Index(name="channel_pulse_at", fields=["at"])]  # health: the last minutes of all channels

    def __str__(self) -> str:
        return f"{self.channel_id} #{self.pk}"


class ChannelNoteKind(models.TextChoices):
    BROKEN = "BROKEN", _("taken out of traffic")
    TRIAL = "TRIAL", _("tried again")
    BACK = "BACK", _("let back")
    NEAR = "NEAR", _("left in traffic")
    WELL = "WELL", _("well again")


class ChannelNote(models.Model):
    """
    What a circuit did, or saw and left alone; for people. Insert-only, kept for 90 days.

    NEAR begins an episode that the next note of the channel ends, whatever it is. `facts` are a `health.Finding`
    and codes, never texts.
    """

    channel = models.ForeignKey(Channel, verbose_name=_("channel"), on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(_("at"))
    kind = models.CharField(pgettext_lazy("channel", "kind"), max_length=8, choices=ChannelNoteKind.choices)
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        verbose_name = _("note on a channel")
        verbose_name_plural = _("notes on channels")
        indexes = [models.Index(name="channel_note_last", fields=["channel", "-id"])]  # the newest of each channel

    def __str__(self) -> str:
        return f"{self.channel_id} {self.kind} #{self.pk}"


class ChannelDay(models.Model):
    """Parts that a channel has handed over on one day of Asia/Shanghai: what its daily quota is counted against."""

    channel = models.ForeignKey(Channel, verbose_name=_("channel"), on_delete=models.CASCADE, related_name="+")
    day = models.DateField(_("day"))
    part_count = models.PositiveIntegerField(_("parts"), default=0)

    class Meta:
        verbose_name = _("day of a channel")
        verbose_name_plural = _("days of channels")
        constraints = [models.UniqueConstraint(name="channel_day_once", fields=["channel", "day"])]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.day}"


class ChannelBucket(models.Model):
    """The token bucket of a channel while Valkey is away; `level` is parts, and may be below zero."""

    channel = models.OneToOneField(
        Channel, verbose_name=_("channel"), on_delete=models.CASCADE, related_name="+", primary_key=True
    )
    level = models.DecimalField(_("parts left"), max_digits=14, decimal_places=3)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("bucket of a channel")
        verbose_name_plural = _("buckets of channels")

    def __str__(self) -> str:
        return f"{self.channel_id}"
