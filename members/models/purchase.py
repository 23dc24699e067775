"""What members bought: orders, their lines, and what is rolled up per category."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.row_scope import StoreBoundManager


class Order(models.Model):
    """One paid basket. `order_no` is unique over all time, so a corrected date can't double it."""

    order_no = models.CharField(_("order number"), max_length=40, unique=True)
    member = models.ForeignKey(
        "members.Member", verbose_name=_("member"), on_delete=models.CASCADE, related_name="orders", db_index=False
    )
    store = models.ForeignKey(
        "members.Store", verbose_name=_("store"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    paid_at = models.DateTimeField(_("paid at"))
    amount_fen = models.BigIntegerField(_("amount in fen"))
    discount_fen = models.BigIntegerField(_("discount in fen"), default=0)
    line_count = models.PositiveIntegerField(_("lines"), default=0)

    store_path = "store"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [models.Index(name="order_member", fields=["member", "paid_at"])]  # a person's orders; roll-ups

    def __str__(self) -> str:
        return self.order_no


class OrderLine(models.Model):
    """One article of a basket. A repeated article of one order is the same line."""

    order = models.ForeignKey(
        Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    sku = models.CharField(_("article code"), max_length=40)
    product = models.CharField(_("article"), max_length=120, blank=True, default="")
    category = models.CharField(_("category"), max_length=40, blank=True, default="")
    quantity_milli = models.BigIntegerField(_("quantity in thousandths"))
    amount_fen = models.BigIntegerField(_("amount in fen"))

    store_path = "order__store"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [models.UniqueConstraint(name="order_line_once", fields=["order", "sku"])]

    def __str__(self) -> str:
        return f"{self.order_id} {self.sku}"


class CategoryPurchase(models.Model):
    """What one member bought of one category, rolled up from order lines."""

    member = models.ForeignKey(
        "members.Member", verbose_name=_("member"), on_delete=models.CASCADE, related_name="categories", db_index=False
    )
    category = models.CharField(_("category"), max_length=40)
    last_bought_at = models.DateTimeField(_("last bought"))
    order_count = models.PositiveIntegerField(_("orders"))
    spend_fen = models.BigIntegerField(_("spend in fen"))

    store_path = "member__home_store"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("category purchase")
        verbose_name_plural = _("category purchases")
        constraints = [models.UniqueConstraint(name="category_purchase_once", fields=["member", "category"])]
        indexes = [models.Index(name="category_bought", fields=["category", "last_bought_at", "member"])]

    def __str__(self) -> str:
        return f"{self.member_id} {self.category}"
