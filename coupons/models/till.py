"""What became of it at the till: shifts, and the ledger of redemptions, undos and refusals."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coupons.models.batch import CouponBatch
from coupons.models.coupon import Coupon
from foundation.models.append_only import append_only, never_emptied
from foundation.row_scope import StoreBoundManager


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

    store_path = "store"
    objects = StoreBoundManager()

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

    store_path = "store"
    objects = StoreBoundManager()

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

    store_path = "redemption__store"
    objects = StoreBoundManager()

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

    store_path = "store"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("refused attempt")
        verbose_name_plural = _("refused attempts")
        indexes = [
            models.Index(name="attempt_clerk", fields=["clerk", "at"]),  # guessing shows as many unknown codes
            models.Index(name="attempt_store", fields=["store", "at"]),  # a store's day
        ]

    def __str__(self) -> str:
        return f"{self.reason} #{self.pk}"
