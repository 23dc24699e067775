"""Lists that somebody took out of the console as files."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.models.job import Job


class FileFormat(models.TextChoices):
    CSV = "CSV", "CSV"
    XLSX = "XLSX", "XLSX"


class FileEncoding(models.TextChoices):
    UTF8 = "UTF8", "UTF-8"
    GB18030 = "GB18030", "GB18030"


class ExportFile(models.Model):
    """
    A list as one operator saw it, being written by its job or written.

    The file goes when it expires; the row stays and says who took what, when and why. `query` holds the filters of the
    list as its page had them in its address; a search may name a person, so it goes with the file.
    """

    by = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("who"), on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, verbose_name=_("job"), on_delete=models.PROTECT, related_name="+")
    list_name = models.CharField(_("list"), max_length=64)
    query = models.TextField(_("filters"), blank=True, default="")
    file_format = models.CharField(_("format"), max_length=4, choices=FileFormat.choices)
    encoding = models.CharField(_("encoding"), max_length=8, choices=FileEncoding.choices)
    language = models.CharField(_("language"), max_length=16)
    reason = models.CharField(_("reason"), max_length=200)
    asked_at = models.DateTimeField(_("asked at"))
    path = models.CharField(_("path"), max_length=400, blank=True, default="")
    row_count = models.PositiveBigIntegerField(_("rows"), default=0)
    size_bytes = models.PositiveBigIntegerField(_("size"), default=0)
    sha256 = models.CharField(_("fingerprint"), max_length=64, blank=True, default="")
    made_at = models.DateTimeField(_("made at"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)

    class Meta:
        verbose_name = _("exported file")
        verbose_name_plural = _("exported files")
        permissions = [("export_lists", "Can export lists")]
        constraints = [
            models.CheckConstraint(
                name="export_made_and_expires",
                condition=Q(made_at__isnull=True, expires_at__isnull=True, path="")
                | Q(made_at__isnull=False, expires_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="export_kept", fields=["expires_at"], condition=~Q(path="")),  # what is to be cleared
            models.Index(name="export_mine", fields=["by", "-id"]),  # the page of whoever asked
        ]

    def __str__(self) -> str:
        return f"{self.list_name} #{self.pk}"

    @property
    def subject(self) -> str:
        """Its name in the audit."""
        return f"foundation.exportfile:{self.pk}"
