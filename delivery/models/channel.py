"""The ways out: one row per account at a provider."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ChannelState(models.TextChoices):
    OPEN = "OPEN", pgettext_lazy("channel", "open")
    DRAINED = "DRAINED", _("drained")
    BROKEN = "BROKEN", _("broken")


class Channel(models.Model):
    """
    An account at a provider. `vendor` names the adapter (`registry`), `config` is its own.

    Price is 1/10000 yuan a part, capacity in parts a second. `opt_out_words` end every marketing text.
    """

    code = models.SlugField(_("channel code"), max_length=32, unique=True)
    name = models.CharField(_("channel name"), max_length=64)
    vendor = models.CharField(_("provider"), max_length=32)
    config = models.JSONField(_("settings of the provider"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ChannelState.choices, default=ChannelState.OPEN)
    weight = models.PositiveSmallIntegerField(_("weight"), default=100)
    price = models.PositiveIntegerField(_("price of a part (1/10000 yuan)"), default=0)
    parts_per_second = models.PositiveIntegerField(_("parts per second"), default=100)
    batch_size = models.PositiveSmallIntegerField(_("people per call"), default=200)
    opt_out_words = models.CharField(_("opt-out words"), max_length=20, default="拒收请回复R")
    webhook_token = models.CharField(_("receipt address token"), max_length=43, unique=True, editable=False)
    broken_at = models.DateTimeField(_("broken since"), null=True, blank=True, editable=False)
    broken_reason = models.CharField(_("why"), max_length=200, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulator(self) -> bool:
        """Whether it only pretends to send; demo members may be written to on such channels alone."""
        return self.vendor == "simulator"
