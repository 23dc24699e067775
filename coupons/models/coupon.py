"""To whom it is given: one member's coupon."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coupons.models.batch import CouponBatch, CouponTerms


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
