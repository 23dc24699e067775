"""What the rows of the ledgers were when they were sealed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.models.append_only import append_only


class LedgerSeal(models.Model):
    """
    One block of a ledger, chained to the block before. Append-only.

    `marks` holds 16 bytes a row, its id and the beginning of its digest: they name the row that no longer fits.
    """

    ledger = models.CharField(_("ledger"), max_length=40)
    number = models.PositiveBigIntegerField(_("number"))
    layout = models.PositiveSmallIntegerField(_("layout of the columns"))
    first_id = models.BigIntegerField(_("first row"))
    last_id = models.BigIntegerField(_("last row"))
    row_count = models.PositiveIntegerField(_("rows"))
    marks = models.BinaryField(_("marks of the rows"))
    previous_sha256 = models.CharField(_("fingerprint of the block before"), max_length=64, blank=True)
    sha256 = models.CharField(_("fingerprint"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed at"))

    class Meta:
        verbose_name = _("seal of a ledger")
        verbose_name_plural = _("seals of ledgers")
        constraints = [
            models.UniqueConstraint(name="seal_once", fields=["ledger", "number"]),
            models.CheckConstraint(name="seal_range", condition=Q(last_id__gte=F("first_id"))),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.ledger} {self.number}"
