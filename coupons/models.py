"""Coupons: what is given (batch, terms), to whom (coupon), and what became of it (redemption ledger)."""

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.models.append_only import append_only, never_emptied


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


class CouponState(models.TextChoices):
    ISSUED = "ISSUED", _("issued")
    REDEEMED = "REDEEMED", _("redeemed")
    VOID = "VOID", _("void")


class CouponQuerySet(models.QuerySet["Coupon"]):
    """What the business asks of coupons."""

    def issued(self) -> "CouponQuerySet":
        """Coupons that reached, or may have reached, a member."""
        return self.exclude(state=CouponState.VOID, void_reason="NOT_SENT")

    def open_at(self, now: datetime) -> "CouponQuerySet":
        """Coupons that can be redeemed at `now`; `valid_until` itself is already too late."""
        return self.filter(
            state=CouponState.ISSUED, uses_count__lt=F("max_uses"), valid_from__lte=now, valid_until__gt=now
        )


class Coupon(models.Model):
    """
    One member's coupon: a code for the till, a token for the link.

    Stored states only; not yet valid, expired and partly used are comparisons at the moment of use.
    `uses_count` moves only in services.redeem and services.reverse; `use_seq` only grows.
    """

    batch = models.ForeignKey(
        CouponBatch, verbose_name=_("batch"), on_delete=models.PROTECT, related_name="coupons", db_index=False
    )
    terms = models.ForeignKey(
        CouponTerms, verbose_name=_("terms"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    code = models.CharField(_("code"), max_length=12, unique=True, db_collation="C")
    link_token = models.CharField(_("link token"), max_length=11, unique=True, db_collation="C")
    member_id = models.BigIntegerField(_("member"), null=True)
    phone_tail = models.CharField(_("phone ends in"), max_length=4, blank=True, default="")
    source = models.CharField(_("given by"), max_length=64, blank=True, default="")
    ordinal = models.PositiveSmallIntegerField(_("of this member"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=CouponState.choices, default=CouponState.ISSUED)
    uses_count = models.PositiveSmallIntegerField(_("uses"), default=0)
    max_uses = models.PositiveSmallIntegerField(_("allowed uses"), default=1)
    use_seq = models.PositiveIntegerField(_("use sequence"), default=0)
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"))
    issued_at = models.DateTimeField(_("issued at"))
    first_viewed_at = models.DateTimeField(_("first opened at"), null=True, blank=True)
    voided_at = models.DateTimeField(_("voided at"), null=True, blank=True)
    void_reason = models.CharField(_("void reason"), max_length=20, blank=True, default="")

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.CheckConstraint(name="coupon_used_within_allowed", condition=Q(uses_count__lte=F("max_uses"))),
            models.CheckConstraint(name="coupon_dates", condition=Q(valid_from__lt=F("valid_until"))),
            models.UniqueConstraint(name="coupon_once_per_member", fields=["batch", "member_id", "ordinal"]),
        ]
        indexes = [
            models.Index(name="coupon_member", fields=["member_id"], condition=Q(member_id__isnull=False)),
            models.Index(name="coupon_source", fields=["source"]),  # what one run gave: its page asks each second
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Shift(models.Model):
    """
    One clerk at one till, from opening to handing over. Redemptions made meanwhile belong to it.

    `number` counts the shifts of a store's business day. What a shift took is read from its redemptions.
    """

    store = models.ForeignKey(
        "members.Store", verbose_name=_("store"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    clerk = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("clerk"), on_delete=models.PROTECT, related_name="+"
    )
    device_id = models.CharField(_("device"), max_length=64)
    business_date = models.DateField(_("business date"))
    number = models.PositiveSmallIntegerField(_("number of the day"))
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("closed by"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        constraints = [
            models.UniqueConstraint(
                name="shift_open_once_per_device", fields=["device_id"], condition=Q(closed_at__isnull=True)
            ),
            models.UniqueConstraint(
                name="shift_open_once_per_clerk", fields=["clerk"], condition=Q(closed_at__isnull=True)
            ),
            models.UniqueConstraint(name="shift_number_once", fields=["store", "business_date", "number"]),
            models.CheckConstraint(name="shift_ends_after_start", condition=Q(closed_at__gte=F("opened_at"))),
            models.CheckConstraint(
                name="shift_closed_by_somebody",
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_date:%m%d}-{self.number}"


class RedemptionState(models.TextChoices):
    ACCEPTED = "ACCEPTED", _("redeemed")
    REVERSED = "REVERSED", _("undone")


class InputChannel(models.TextChoices):
    TYPED = "TYPED", _("typed")
    SCANNER = "SCANNER", _("scan gun")
    CAMERA = "CAMERA", _("camera")
    API = "API", _("API")


class Redemption(models.Model):
    """One use of a coupon. Never edited or deleted; an undo turns it to REVERSED beside a Reversal row."""

    redemption_no = models.CharField(_("redemption number"), max_length=20, unique=True)
    coupon = models.ForeignKey(
        Coupon, verbose_name=_("coupon"), on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )
    batch = models.ForeignKey(
        CouponBatch, verbose_name=_("batch"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    use_seq = models.PositiveIntegerField(_("use sequence"))
    state = models.CharField(
        _("state"), max_length=10, choices=RedemptionState.choices, default=RedemptionState.ACCEPTED
    )
    device_id = models.CharField(_("device"), max_length=64)
    request_id = models.UUIDField(_("request"))
    clerk = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("clerk"), on_delete=models.PROTECT, related_name="+"
    )
    store = models.ForeignKey(
        "members.Store", verbose_name=_("store"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    shift = models.ForeignKey(
        Shift, verbose_name=_("shift"), null=True, on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )
    business_date = models.DateField(_("business date"))
    input_channel = models.CharField(_("how it came in"), max_length=10, choices=InputChannel.choices)
    receipt_no = models.CharField(_("receipt number"), max_length=40, blank=True, default="")
    ticket_fen = models.PositiveBigIntegerField(_("ticket in fen"), null=True)
    discount_fen = models.PositiveBigIntegerField(_("saving in fen"))
    member_id = models.BigIntegerField(_("member"), null=True)
    source = models.CharField(_("given by"), max_length=64, blank=True, default="")
    redeemed_at = models.DateTimeField(_("redeemed at"))
    terms_sha256 = models.CharField(_("fingerprint of the terms"), max_length=64)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        permissions = [
            ("redeem", "Can redeem coupons at a till"),
            ("reverse_in_store", "Can undo redemptions of own store within the day"),
        ]
        constraints = [
            models.UniqueConstraint(name="redemption_request_once", fields=["device_id", "request_id"]),
            models.UniqueConstraint(name="redemption_use_once", fields=["coupon", "use_seq"]),
        ]
        indexes = [
            models.Index(name="redemption_store_day", fields=["store", "business_date", "id"]),  # till history
            models.Index(name="redemption_source", fields=["source", "id"]),  # report of one run
            models.Index(name="redemption_batch", fields=["batch", "redeemed_at"]),  # batch page
            models.Index(name="redemption_shift", fields=["shift"], condition=Q(shift__isnull=False)),  # totals
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_emptied(),
            pgtrigger.ReadOnly(name="facts_never_change", exclude=["state"]),
            pgtrigger.FSM(name="only_undone", field="state", transitions=[("ACCEPTED", "REVERSED")]),
        ]

    def __str__(self) -> str:
        return self.redemption_no


class UndoReason(models.TextChoices):
    MISSCAN = "MISSCAN", _("scanned by mistake")
    CUSTOMER = "CUSTOMER", _("customer changed their mind")
    OUT_OF_STOCK = "OUT_OF_STOCK", _("out of stock")
    DUPLICATE = "DUPLICATE", _("duplicate")
    OTHER = "OTHER", _("other")


class Reversal(models.Model):
    """One undo, beside the redemption that it undid."""

    redemption = models.OneToOneField(
        Redemption, verbose_name=_("redemption"), on_delete=models.PROTECT, related_name="reversal"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("who"), on_delete=models.PROTECT, related_name="+")
    device_id = models.CharField(_("device"), max_length=64)
    reason = models.CharField(_("reason"), max_length=16, choices=UndoReason.choices)
    reversed_at = models.DateTimeField(_("undone at"))
    # Whether the shift of the redemption was still open: a slip that was handed over never changes.
    within_shift = models.BooleanField(_("within the shift"), default=False)

    class Meta:
        verbose_name = _("undo")
        verbose_name_plural = _("undos")
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.redemption_id}"


class RedemptionRequest(models.Model):
    """What a till asked under one request id and what it was told; the same question gets the same answer."""

    device_id = models.CharField(_("device"), max_length=64)
    request_id = models.UUIDField(_("request"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    answer = models.JSONField(_("answer"), null=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("till request")
        verbose_name_plural = _("till requests")
        constraints = [models.UniqueConstraint(name="till_request_once", fields=["device_id", "request_id"])]

    def __str__(self) -> str:
        return f"{self.request_id}"


class RedemptionAttempt(models.Model):
    """Every refusal at a till: who, where, why. The input is kept as a keyed hash only."""

    at = models.DateTimeField(_("at"))
    clerk = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("clerk"), on_delete=models.PROTECT, related_name="+"
    )
    store = models.ForeignKey(
        "members.Store", verbose_name=_("store"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    device_id = models.CharField(_("device"), max_length=64)
    input_channel = models.CharField(_("how it came in"), max_length=10, choices=InputChannel.choices)
    input_hash = models.UUIDField(_("input hash"))
    is_well_formed = models.BooleanField(_("well formed"))
    coupon = models.ForeignKey(
        Coupon, verbose_name=_("coupon"), null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reason = models.CharField(_("reason"), max_length=24)

    class Meta:
        verbose_name = _("refused attempt")
        verbose_name_plural = _("refused attempts")
        indexes = [
            models.Index(name="attempt_clerk", fields=["clerk", "at"]),  # guessing shows as many unknown codes
            models.Index(name="attempt_store", fields=["store", "at"]),  # a store's day
        ]

    def __str__(self) -> str:
        return f"{self.reason} #{self.pk}"
