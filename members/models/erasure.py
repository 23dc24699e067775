"""Who asked to be forgotten, in a form that tells nothing but that."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class EraseReason(models.TextChoices):
    """Why somebody is erased. Choices and no text: what is written into the audit stays there for good."""

    WISH = "WISH", pgettext_lazy("erasure", "the person asked for it")
    WITHDRAWN = "WITHDRAWN", pgettext_lazy("erasure", "the person withdrew their consent to our keeping data")
    LEFT = "LEFT", pgettext_lazy("erasure", "the membership has ended")
    AUTHORITY = "AUTHORITY", pgettext_lazy("erasure", "an authority ordered it")
    SYSTEM = "SYSTEM", pgettext_lazy("erasure", "another system of ours was asked")


class Erasure(models.Model):
    """
    One card that was erased: as long as this row is there, no file and no system brings the card back.

    Both hashes are keyed (`foundation.crypto`). The row goes when the person themself agrees anew to be written to.
    `job` erases what the other rooms hold; it being done is the erasure being done.
    """

    member = models.OneToOneField(
        "members.Member", verbose_name=_("member"), on_delete=models.CASCADE, related_name="erasure", primary_key=True
    )
    card_hash = models.UUIDField(_("card hash"), unique=True)
    phone_hash = models.UUIDField(_("phone hash"), null=True)
    job = models.ForeignKey("foundation.Job", verbose_name=_("job"), on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        indexes = [models.Index(name="erasure_phone", fields=["phone_hash"])]  # services.consent.grant

    def __str__(self) -> str:
        return f"{self.member_id}"
