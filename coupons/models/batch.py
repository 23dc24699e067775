"""What is given: a batch, the terms it is given on, and the wish to make it void."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class CouponKind(models.TextChoices):
    CASH = "CASH", _("cash coupon")
    DISCOUNT = "DISCOUNT", _("discount coupon")
    EXCHANGE = "EXCHANGE", _("exchange coupon")


class BatchState(models.TextChoices):
    DRAFT = "DRAFT", _("draft")
    SUBMITTED = "SUBMITTED", _("waiting for review")
    ACTIVE = "ACTIVE", _("active")
    REJECTED = "REJECTED", _("sent back")
    PAUSED = "PAUSED", _("paused")
    ENDED = "ENDED", _("ended")
    VOIDED = "VOIDED", _("voided")


class CouponBatch(models.Model):
    """A kind of coupon that campaigns give away. Its conditions are in CouponTerms."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    state = models.CharField(
        _("state"), max_length=16, choices=BatchState.choices, default=BatchState.DRAFT, editable=False
    )
    planned_count = models.PositiveIntegerField(_("at most how many"))
    issued_count = models.PositiveIntegerField(_("issued"), default=0, editable=False)
    per_member_limit = models.PositiveSmallIntegerField(_("per member"), default=1)
    requires_amount = models.BooleanField(_("clerk must enter the amount"), default=True)
    undo_minutes = models.PositiveSmallIntegerField(_("undo within minutes"), default=10)
    # What may be given away by it, as a line to look at; nothing stops at it.
    budget_fen = models.PositiveBigIntegerField(_("budget in fen"), null=True, blank=True)
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
    changed_at = models.DateTimeField(_("changed at"), editable=False)

    class Meta:
        verbose_name = _("coupon batch")
        verbose_name_plural = _("coupon batches")
        permissions = [("approve_couponbatch", "Can approve coupon batches")]
        constraints = [
            models.CheckConstraint(name="batch_issued_within_plan", condition=Q(issued_count__lte=F("planned_count"))),
            models.CheckConstraint(
                name="batch_four_eyes", condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("author"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class VoidState(models.TextChoices):
    ASKED = "ASKED", _("asked for")
    CONFIRMED = "CONFIRMED", _("confirmed")
    REFUSED = "REFUSED", _("refused")


class BatchVoid(models.Model):
    """
    The wish to make all unused coupons of a batch void for good; somebody else decides about it.

    One row a batch: after a refusal it is asked for again in the same row, and the audit keeps what was before.
    """

    batch = models.OneToOneField(
        CouponBatch, verbose_name=_("batch"), primary_key=True, on_delete=models.PROTECT, related_name="void_wish"
    )
    state = models.CharField(_("state"), max_length=10, choices=VoidState.choices, default=VoidState.ASKED)
    reason = models.CharField(_("reason"), max_length=200)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("decided by"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    coupon_count = models.PositiveIntegerField(_("coupons made void"), default=0)

    class Meta:
        verbose_name = _("voiding of a batch")
        verbose_name_plural = _("voidings of batches")
        constraints = [
            models.CheckConstraint(
                name="batch_void_four_eyes", condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="batch_void_decided",
                condition=Q(state="ASKED", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="ASKED") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.state}"


class CouponTerms(models.Model):
    """
    The conditions of a batch, one row a version; immutable once the batch was submitted.

    Money in fen, `percent_off_bp` in basis points. The validity is fixed dates, or days after issue.
    """

    batch = models.ForeignKey(CouponBatch, verbose_name=_("batch"), on_delete=models.PROTECT, related_name="terms")
    version = models.PositiveIntegerField(_("version"), default=1)
    title = models.CharField(_("title"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=CouponKind.choices)
    face_fen = models.PositiveIntegerField(_("face value in fen"), default=0)
    percent_off_bp = models.PositiveIntegerField(_("percent off in basis points"), default=0)
    cap_fen = models.PositiveIntegerField(_("at most in fen"), default=0)
    gift_name = models.CharField(_("gift"), max_length=80, blank=True, default="")
    min_spend_fen = models.PositiveIntegerField(_("minimum spend in fen"), default=0)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    valid_days = models.PositiveSmallIntegerField(_("days after issue"), null=True, blank=True)
    stores = models.ManyToManyField("members.Store", verbose_name=_("stores"), blank=True, related_name="+")
    text = models.TextField(_("terms in words"), blank=True, default="")
    sha256 = models.CharField(_("fingerprint"), max_length=64)

    class Meta:
        verbose_name = _("coupon terms")
        verbose_name_plural = _("coupon terms")
        constraints = [
            models.UniqueConstraint(name="coupon_terms_once", fields=["batch", "version"]),
            models.CheckConstraint(name="coupon_terms_percent", condition=Q(percent_off_bp__lte=10_000)),
            models.CheckConstraint(
                name="coupon_terms_worth_something",
                condition=Q(kind="CASH", face_fen__gt=0)
                | Q(kind="DISCOUNT", percent_off_bp__gt=0, cap_fen__gt=0)
                | (Q(kind="EXCHANGE") & ~Q(gift_name="")),
            ),
            models.CheckConstraint(
                name="coupon_terms_dates",
                condition=Q(valid_days__gt=0, valid_from__isnull=True, valid_until__isnull=True)
                | Q(valid_days__isnull=True, valid_until__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} v{self.version}"
