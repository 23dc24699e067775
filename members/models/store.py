"""Shops of the chain, and which operator works for which."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.row_scope import StoreBoundManager


class Store(models.Model):
    """A shop. Its zone decides what time it is at its till."""

    code = models.CharField(_("store code"), max_length=32, unique=True)
    name = models.CharField(_("store name"), max_length=64)
    city = models.CharField(_("city"), max_length=32, blank=True, default="")
    zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    is_active = models.BooleanField(_("open"), default=True)

    store_path = "pk"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        permissions = [("see_every_store", "Can see the rows of every store")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class StoreScope(models.Model):
    """An operator works for a store; a clerk needs at least one to open the till."""

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="store_scopes"
    )
    store = models.ForeignKey(Store, verbose_name=_("store"), on_delete=models.CASCADE, related_name="scopes")

    store_path = "store"
    objects = StoreBoundManager()

    class Meta:
        verbose_name = _("store of an operator")
        verbose_name_plural = _("stores of operators")
        constraints = [models.UniqueConstraint(name="store_scope_once", fields=["operator", "store"])]

    def __str__(self) -> str:
        return f"{self.operator_id} → {self.store_id}"
