"""A file that a job brings in."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportKind(models.TextChoices):
    MEMBERS = "MEMBERS", _("members")
    STORES = "STORES", _("stores")
    ORDERS = "ORDERS", _("orders")
    ORDER_LINES = "ORDER_LINES", _("order lines")


class ImportFile(models.Model):
    """
    One file and what became of its rows: read = new + changed + same + refused.

    The file lies in the import folder until its job ends; the error file (same columns plus
    the reason) stays for the person who uploaded it.
    """

    job = models.OneToOneField(
        "foundation.Job", verbose_name=_("job"), on_delete=models.CASCADE, related_name="import_file"
    )
    kind = models.CharField(_("kind"), max_length=16, choices=ImportKind.choices)
    name = models.CharField(_("file name"), max_length=200)
    path = models.CharField(_("stored at"), max_length=500)
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    is_demo = models.BooleanField(_("demo data"), default=False)
    encoding = models.CharField(_("encoding"), max_length=16, blank=True, default="")
    new_count = models.PositiveBigIntegerField(_("new"), default=0)
    changed_count = models.PositiveBigIntegerField(_("changed"), default=0)
    same_count = models.PositiveBigIntegerField(_("same"), default=0)
    refused_count = models.PositiveBigIntegerField(_("refused"), default=0)
    error_path = models.CharField(_("error file"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    @property
    def read_count(self) -> int:
        """Rows read so far."""
        return self.new_count + self.changed_count + self.same_count + self.refused_count
