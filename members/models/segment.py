"""A saved rule that picks members."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Segment(models.Model):
    """A rule tree in normal form (`rules.segment`), named by staff."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    rule = models.JSONField(_("rule"))
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    member_count = models.PositiveIntegerField(_("members at last count"), null=True, editable=False)
    counted_at = models.DateTimeField(_("counted at"), null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    changed_at = models.DateTimeField(_("changed at"), editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")

    def __str__(self) -> str:
        return self.name
