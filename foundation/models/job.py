"""Long work with a bar that survives the browser."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    QUEUED = "QUEUED", _("waiting")
    RUNNING = "RUNNING", _("running")
    DONE = "DONE", _("done")
    FAILED = "FAILED", _("failed")
    CANCELLED = "CANCELLED", _("cancelled")


class Job(models.Model):
    """
    One piece of long work. Its runner is named in settings.JOB_RUNNERS by kind.

    A worker holds it until `lease_until` (database clock); another may take it up after that,
    from the last committed `done_count`.
    """

    kind = models.CharField(_("kind"), max_length=64)
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(_("state"), max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    params = models.JSONField(_("parameters"), default=dict)
    total_count = models.PositiveBigIntegerField(_("total"), default=0)
    done_count = models.PositiveBigIntegerField(_("done"), default=0)
    report = models.JSONField(_("report"), default=dict, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    created_at = models.DateTimeField(_("created at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.CheckConstraint(name="job_done_within_total", condition=Q(done_count__lte=F("total_count"))),
        ]
        indexes = [
            # foundation.services.jobs.run_due: what is waiting or was left behind.
            models.Index(name="job_open", fields=["id"], condition=Q(state__in=["QUEUED", "RUNNING"])),
        ]

    def __str__(self) -> str:
        return f"{self.title} #{self.pk}"

    @property
    def percent(self) -> int:
        """Whole percents done, rounded down; 100 only when all is done."""
        return self.done_count * 100 // self.total_count if self.total_count else 0

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)
