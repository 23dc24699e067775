"""What the database remembers of the keys that its values were made with."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeyFingerprint(models.Model):
    """The fingerprint of a key that must never change under existing data."""

    purpose = models.CharField(_("purpose"), max_length=32, unique=True)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)

    class Meta:
        verbose_name = _("key fingerprint")
        verbose_name_plural = _("key fingerprints")

    def __str__(self) -> str:
        return self.purpose
