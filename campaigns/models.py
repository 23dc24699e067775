"""When, to whom, with what result."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from delivery.models import CapPolicy, DayRule
from foundation.row_scope import StoreBoundManager
from templates_sms.models import ReviewAction


class CampaignState(models.TextChoices):
    DRAFT = "DRAFT", _("draft")
    SUBMITTED = "SUBMITTED", _("waiting for review")
    REJECTED = "REJECTED", _("sent back")
    APPROVED = "APPROVED", _("approved")
    RUNNING = "RUNNING", _("running")
    FINISHED = "FINISHED", _("finished")
    STOPPED = "STOPPED", _("stopped")


class Repeat(models.TextChoices):
    ONCE = "ONCE", _("once")
    DAILY = "DAILY", _("every day")
    WEEKLY = "WEEKLY", _("every week")
    MONTHLY = "MONTHLY", _("every month")
    YEARLY = "YEARLY", _("every year")


class LatePolicy(models.TextChoices):
    SEND = "SEND", _("send all the same")
    SKIP = "SKIP", _("skip")
    ASK = "ASK", _("ask me")


class WaveKind(models.TextChoices):
    NONE = "NONE", _("all at once")
    SPREAD = "SPREAD", _("evenly over hours")
    SHARE = "SHARE", _("in equal waves")
    STORE = "STORE", _("store by store")
    REGION = "REGION", _("city by city")


class Sheet(models.Model):
    """
    A preflight sheet as it stood when a campaign was handed to review: what the approver decided on. Or, without lines,
    the newest look at one.

    `facts` holds its numbers. Its lines say who stood where, so that a run can tell each difference person by person.
    """

    made_at = models.DateTimeField(_("made at"))
    facts = models.JSONField(_("numbers"))

    class Meta:
        verbose_name = _("preflight sheet")
        verbose_name_plural = _("preflight sheets")

    def __str__(self) -> str:
        return f"#{self.pk}"


class SheetLine(models.Model):
    """The people of one line of a sheet: an exclusion, or empty for those who would receive. Dropped with audiences."""

    sheet = models.ForeignKey(Sheet, verbose_name=_("sheet"), on_delete=models.CASCADE, related_name="lines")
    exclusion = models.CharField(_("left out because"), max_length=20, blank=True, default="")
    member_ids = ArrayField(models.BigIntegerField(), verbose_name=_("members"))

    class Meta:
        verbose_name = _("line of a sheet")
        verbose_name_plural = _("lines of sheets")

    def __str__(self) -> str:
        return f"{self.sheet_id} {self.exclusion}"


class Campaign(models.Model):
    """
    Segment, text, coupon and time, approved together. Once approved, nothing of it changes:
    `approved_sha256` is checked at freeze.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    segment = models.ForeignKey(
        "members.Segment", verbose_name=_("segment"), on_delete=models.PROTECT, related_name="+"
    )
    template_version = models.ForeignKey(
        "templates_sms.TemplateVersion", verbose_name=_("text"), on_delete=models.PROTECT, related_name="+"
    )
    coupon_terms = models.ForeignKey(
        "coupons.CouponTerms",
        verbose_name=_("coupon"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    scheduled_at = models.DateTimeField(_("send at"))
    window_from_minute = models.PositiveSmallIntegerField(_("window from"), default=480)
    window_until_minute = models.PositiveSmallIntegerField(_("window until"), default=1260)
    valid_hours = models.PositiveSmallIntegerField(_("give up after hours"), default=48)
    cap_policy = models.CharField(_("over a cap"), max_length=10, choices=CapPolicy.choices, default=CapPolicy.DEFER)
    day_rule = models.CharField(
        _("on which days"), max_length=10, choices=DayRule.choices, default=DayRule.ANY, db_default=DayRule.ANY
    )
    repeat = models.CharField(
        _("repeat"), max_length=10, choices=Repeat.choices, default=Repeat.ONCE, db_default=Repeat.ONCE
    )
    repeat_until = models.DateField(_("repeat until"), null=True, blank=True)
    late_policy = models.CharField(
        _("when late"), max_length=10, choices=LatePolicy.choices, default=LatePolicy.SEND, db_default=LatePolicy.SEND
    )
    late_minutes = models.PositiveSmallIntegerField(_("late after minutes"), default=60, db_default=60)
    wave_kind = models.CharField(
        _("pace"), max_length=10, choices=WaveKind.choices, default=WaveKind.NONE, db_default=WaveKind.NONE
    )
    wave_count = models.PositiveSmallIntegerField(_("number of waves"), default=1, db_default=1)
    wave_minutes = models.PositiveSmallIntegerField(_("minutes from wave to wave"), default=0, db_default=0)
    next_at = models.DateTimeField(_("next occurrence"), null=True, editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=CampaignState.choices, default=CampaignState.DRAFT, editable=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.PROTECT, related_name="+", editable=False
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("approved by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, editable=False)
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1, db_default=1, editable=False)
    first_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("first of two approvals by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    sheet = models.ForeignKey(
        Sheet,
        verbose_name=_("preflight sheet"),
        null=True,
        on_delete=models.PROTECT,
        related_name="campaigns",
        editable=False,
    )
    look = models.ForeignKey(
        Sheet,
        verbose_name=_("newest look at the sheet"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="looked_at_by",
        editable=False,
    )
    approved_sha256 = models.CharField(_("fingerprint"), max_length=64, blank=True, default="", editable=False)
    changed_at = models.DateTimeField(_("changed at"), editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        permissions = [
            ("approve_campaign", "Can approve campaigns"),
            ("stop_campaign", "Can pause and stop campaigns"),
        ]
        constraints = [
            models.CheckConstraint(
                name="campaign_four_eyes", condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("author"))
            ),
            models.CheckConstraint(
                name="campaign_six_eyes",
                condition=Q(first_approved_by__isnull=True)
                | (~Q(first_approved_by=F("author")) & (Q(approved_by=None) | ~Q(first_approved_by=F("approved_by")))),
            ),
            models.CheckConstraint(
                name="campaign_two_approvals",
                condition=Q(approved_by=None) | Q(approvals_needed=1) | Q(first_approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_waves", condition=Q(wave_count__gte=1, wave_count__lte=100, wave_minutes__lte=1440)
            ),
            models.CheckConstraint(
                name="campaign_window",
                condition=Q(
                    window_from_minute__gte=480,
                    window_from_minute__lt=F("window_until_minute"),
                    window_until_minute__lte=1320,
                ),
            ),
        ]
        indexes = [models.Index(name="campaign_next", fields=["next_at"], condition=Q(state="APPROVED"))]

    def __str__(self) -> str:
        return self.name


class CampaignReview(models.Model):
    """One step of a campaign's way through review."""

    campaign = models.ForeignKey(Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="reviews")
    action = models.CharField(_("action"), max_length=16, choices=ReviewAction.choices)
    sha256 = models.CharField(_("fingerprint"), max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("who"), on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.action} #{self.pk}"


class RunState(models.TextChoices):
    FIRED = "FIRED", _("started")
    FREEZING = "FREEZING", _("fixing the audience")
    SENDING = "SENDING", _("sending")
    PAUSED = "PAUSED", _("paused")
    FINISHED = "FINISHED", _("finished")
    STOPPED = "STOPPED", _("stopped")
    FAILED = "FAILED", _("failed")
    ASKING = "ASKING", _("late: waits for a decision")
    SKIPPED = "SKIPPED", _("skipped")


class Run(models.Model):
    """
    One occurrence of a campaign. Unique per campaign and occurrence, so two Beats make one run.

    `sheet` is what was approved; `changes` counts who stands elsewhere than there: [from, to, people], "" for those
    who receive it and "OUT" for those outside the segment.
    `exclusions` counts the audience's first reasons. It stays, with `opt_out_count`, when the audience itself is
    dropped after retention; until then opt-outs are counted from the audience.
    """

    campaign = models.ForeignKey(Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="runs")
    occurrence_at = models.DateTimeField(_("planned for"))
    fired_at = models.DateTimeField(_("started at"))
    released_at = models.DateTimeField(_("sending since"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=RunState.choices, default=RunState.FIRED)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    dispatch_id = models.BigIntegerField(_("dispatch"), null=True)
    matched_count = models.PositiveIntegerField(_("matched"), default=0)
    planned_count = models.PositiveIntegerField(_("planned"), default=0)
    exclusions = models.JSONField(_("left out, by reason"), default=dict, blank=True)
    opt_out_count = models.PositiveIntegerField(_("opt-outs within a week"), null=True)
    sheet = models.ForeignKey(
        Sheet, verbose_name=_("preflight sheet"), null=True, on_delete=models.PROTECT, related_name="runs"
    )
    changes = models.JSONField(_("who moved since the sheet"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = [("view_report", "Can read what came of runs")]
        constraints = [models.UniqueConstraint(name="run_once", fields=["campaign", "occurrence_at"])]
        indexes = [
            # tasks.run_open: runs that have a next step
            models.Index(name="run_open", fields=["id"], condition=Q(state__in=["FIRED", "FREEZING", "SENDING"])),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} @ {self.occurrence_at:%Y-%m-%d %H:%M}"

    @property
    def delay_seconds(self) -> int:
        """How late it was fired."""
        return int((self.fired_at - self.occurrence_at).total_seconds())

    @property
    def subject(self) -> str:
        """Its name in alerts and in the audit."""
        return f"campaigns.run:{self.pk}"

    @property
    def source(self) -> str:
        """The name under which dispatch, coupons and redemptions know this run."""
        return f"campaign_run:{self.pk}"


class RunAudience(models.Model):
    """One person of one run: planned, or left out with the first reason. Written by one statement."""

    run = models.ForeignKey(
        Run, verbose_name=_("run"), on_delete=models.PROTECT, related_name="audience", db_index=False
    )
    member_id = models.BigIntegerField(_("member"))
    variant = models.CharField(_("variant"), max_length=1, default="A")
    exclusion = models.CharField(_("left out because"), max_length=20, blank=True, default="")
    is_frozen = models.BooleanField(_("message written"), default=False)

    class Meta:
        verbose_name = _("person of a run")
        verbose_name_plural = _("audience")
        constraints = [models.UniqueConstraint(name="run_audience_once", fields=["run", "member_id"])]
        indexes = [
            # freeze: the next chunk to become coupons and messages
            models.Index(
                name="run_audience_open", fields=["run", "member_id"], condition=Q(is_frozen=False, exclusion="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.member_id}"


class RunPlace(models.Model):
    """
    How many people of a run live where: counted once when the run is released, and kept when its audience is dropped.

    `city` is empty and `store` null for those without.
    """

    run = models.ForeignKey(Run, verbose_name=_("run"), on_delete=models.PROTECT, related_name="places", db_index=False)
    variant = models.CharField(_("variant"), max_length=1)
    city = models.CharField(_("city"), max_length=32, blank=True)
    store = models.ForeignKey(
        "members.Store", verbose_name=_("home store"), null=True, on_delete=models.PROTECT, related_name="+",
        db_index=False,
    )  # fmt: skip
    people_count = models.PositiveIntegerField(_("people"))

    store_path = "store"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("place of a run")
        verbose_name_plural = _("places of a run")
        constraints = [
            models.UniqueConstraint(
                name="run_place_once", fields=["run", "variant", "city", "store"], nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.city} {self.store_id}"
