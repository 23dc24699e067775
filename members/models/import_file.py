"""A file that a job brings in, what it changed, and how it can be taken back."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class ImportKind(models.TextChoices):
    MEMBERS = "MEMBERS", _("members")
    STORES = "STORES", _("stores")
    ORDERS = "ORDERS", _("orders")
    ORDER_LINES = "ORDER_LINES", _("order lines")


class ImportFile(models.Model):
    """
    One pass over one file and what became of its rows: read = new + changed + same + refused.

    It has no job until somebody has said which column is what. A dry run (`is_dry_run`) writes nothing; the pass
    that writes afterwards names it as `tried`, and there is only one. The file and the samples stay until
    `services.imports.clearing` removes them; the error file holds the same columns plus the reason.
    """

    job = models.OneToOneField(
        "foundation.Job", verbose_name=_("job"), on_delete=models.CASCADE, related_name="import_file", null=True
    )
    tried = models.OneToOneField(
        "self", verbose_name=_("dry run"), on_delete=models.SET_NULL, related_name="written", null=True, blank=True
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+",
    )  # fmt: skip
    received_at = models.DateTimeField(_("received at"))
    kind = models.CharField(_("kind"), max_length=16, choices=ImportKind.choices)
    name = models.CharField(_("file name"), max_length=200)
    path = models.CharField(_("stored at"), max_length=500)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    line_count = models.PositiveBigIntegerField(_("lines"), default=0)
    encoding = models.CharField(_("encoding"), max_length=16, blank=True, default="")
    columns = models.JSONField(_("columns"), default=dict, blank=True)  # field → number of its column
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    is_demo = models.BooleanField(_("demo data"), default=False)
    new_count = models.PositiveBigIntegerField(_("new"), default=0)
    changed_count = models.PositiveBigIntegerField(_("changed"), default=0)
    same_count = models.PositiveBigIntegerField(_("same"), default=0)
    refused_count = models.PositiveBigIntegerField(_("refused"), default=0)
    reasons = models.JSONField(_("refused by reason"), default=dict, blank=True)  # reason code → rows
    samples = models.JSONField(_("samples"), default=dict, blank=True)  # outcome → the first rows, masked
    notes = models.JSONField(_("to know"), default=dict, blank=True)  # what a dry run of members counted beside
    error_path = models.CharField(_("error file"), max_length=500, blank=True, default="")
    is_cleared = models.BooleanField(_("cleared away"), default=False)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = [
            # services.imports.clearing: what still lies in the folder.
            models.Index(name="import_kept", fields=["received_at"], condition=Q(is_cleared=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    @property
    def read_count(self) -> int:
        """Rows read so far."""
        return self.new_count + self.changed_count + self.same_count + self.refused_count

    @property
    def good_count(self) -> int:
        """Rows that are not refused."""
        return self.read_count - self.refused_count


class ImportChange(models.Model):
    """
    One member that an import has made (`before` is null) or changed: the columns that differ, before and after.

    Kept as long as the import can be undone. What an undo leaves in place keeps its row.
    """

    import_file = models.ForeignKey(
        ImportFile, verbose_name=_("import"), on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    member = models.ForeignKey(
        "members.Member", verbose_name=_("member"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)

    class Meta:
        verbose_name = _("change by an import")
        verbose_name_plural = _("changes by imports")
        indexes = [
            models.Index(name="import_change_part", fields=["import_file", "id"]),  # undo, part by part
            models.Index(name="import_change_member", fields=["member", "import_file"]),  # was it touched later?
        ]

    def __str__(self) -> str:
        return f"{self.import_file_id} {self.member_id}"


class UndoState(models.TextChoices):
    ASKED = "ASKED", _("waits for the second person")
    REFUSED = "REFUSED", _("refused")
    CONFIRMED = "CONFIRMED", _("confirmed")


class ImportUndo(models.Model):
    """
    The wish to take an import back: one person asks with a reason, another decides, a job does it.

    deleted + restored + kept = the members the import had made or changed.
    """

    import_file = models.OneToOneField(
        ImportFile, verbose_name=_("import"), on_delete=models.CASCADE, related_name="undo", primary_key=True
    )
    state = models.CharField(_("state"), max_length=10, choices=UndoState.choices, default=UndoState.ASKED)
    reason = models.CharField(_("reason"), max_length=200)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("decided by"), on_delete=models.PROTECT, related_name="+",
        null=True, blank=True,
    )  # fmt: skip
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    job = models.OneToOneField(
        "foundation.Job", verbose_name=_("job"), on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    deleted_count = models.PositiveBigIntegerField(_("deleted"), default=0)
    restored_count = models.PositiveBigIntegerField(_("restored"), default=0)
    kept_count = models.PositiveBigIntegerField(_("left as they are"), default=0)
    consent_count = models.PositiveBigIntegerField(_("consents withdrawn"), default=0)

    class Meta:
        verbose_name = _("undo of an import")
        verbose_name_plural = _("undone imports")
        permissions = [("confirm_importundo", "Can confirm that an import is undone")]
        constraints = [
            models.CheckConstraint(
                name="import_undo_by_another", condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.import_file_id} {self.state}"


class HeaderChoice(models.Model):
    """Which field somebody has chosen for a header; used for the next file of that kind. No field: not imported."""

    kind = models.CharField(_("kind"), max_length=16, choices=ImportKind.choices)
    header = models.CharField(_("header"), max_length=100)
    field = models.CharField(_("field"), max_length=32, blank=True, default="")

    class Meta:
        verbose_name = _("column choice")
        verbose_name_plural = _("column choices")
        constraints = [models.UniqueConstraint(name="header_choice_once", fields=["kind", "header"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.header}"
