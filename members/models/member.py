"""A person of the chain's database, with the facts that segments ask for."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from foundation.row_scope import StoreBoundManager


class Lifecycle(models.TextChoices):
    PROSPECT = "PROSPECT", pgettext_lazy("lifecycle", "never bought")
    NEW = "NEW", pgettext_lazy("lifecycle", "new")
    ACTIVE = "ACTIVE", pgettext_lazy("lifecycle", "active")
    DORMANT = "DORMANT", pgettext_lazy("lifecycle", "dormant")
    LOST = "LOST", pgettext_lazy("lifecycle", "lost")


class MemberQuerySet(models.QuerySet["Member"]):
    """What the business asks of members."""

    def present(self) -> "MemberQuerySet":
        """Members whose personal facts were not erased."""
        return self.filter(erased_at__isnull=True)


class Member(models.Model):
    """
    A member of the chain, kept by card number. The phone is sealed: hash, ciphertext, tail.

    Purchase and RFM columns are rolled up from orders by `services.rollup`.
    """

    card_no = models.CharField(_("card number"), max_length=32, unique=True)
    name = models.CharField(pgettext_lazy("person", "name"), max_length=64, blank=True, default="")
    phone_hash = models.UUIDField(_("phone hash"), null=True, editable=False)
    phone_cipher = models.BinaryField(_("sealed phone"), null=True, editable=False)
    phone_tail = models.CharField(_("phone ends in"), max_length=4, blank=True, default="")
    carrier = models.CharField(_("carrier by prefix"), max_length=10, blank=True, default="")
    gender = models.CharField(
        _("gender"), max_length=1, blank=True, default="", choices=[("M", _("male")), ("F", _("female"))]
    )
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    home_store = models.ForeignKey(
        "members.Store",
        verbose_name=_("home store"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="members",
    )
    city = models.CharField(_("city"), max_length=32, blank=True, default="")
    level = models.CharField(_("level"), max_length=32, blank=True, default="")
    joined_at = models.DateTimeField(_("joined at"), null=True, blank=True)
    income_band = models.CharField(_("income band"), max_length=32, blank=True, default="")
    household_size = models.PositiveSmallIntegerField(_("household size"), null=True, blank=True)
    kids = models.PositiveSmallIntegerField(_("kids"), null=True, blank=True)
    is_demo = models.BooleanField(_("demo member"), default=False, editable=False)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)

    first_purchase_at = models.DateTimeField(_("first purchase"), null=True, blank=True)
    last_purchase_at = models.DateTimeField(_("last purchase"), null=True, blank=True)
    purchase_count = models.PositiveIntegerField(_("purchases"), default=0)
    spend_fen = models.BigIntegerField(_("spend in fen"), default=0)
    rfm_r = models.PositiveSmallIntegerField(_("recency band"), default=0)
    rfm_f = models.PositiveSmallIntegerField(_("frequency band"), default=0)
    rfm_m = models.PositiveSmallIntegerField(_("money band"), default=0)
    lifecycle = models.CharField(_("lifecycle"), max_length=10, choices=Lifecycle.choices, default=Lifecycle.PROSPECT)

    store_path = "home_store"
    objects = StoreBoundManager.from_queryset(MemberQuerySet)()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        permissions = [
            ("reveal_phone", "Can reveal phone numbers"),
            ("erase_member", "Can erase a person"),
            ("export_member", "Can hand out all that is kept of a person"),
        ]
        indexes = [
            models.Index(name="member_phone", fields=["phone_hash"]),  # timeline of a phone; same phone twice
            models.Index(name="member_city", fields=["city", "last_purchase_at"]),  # segments by city
            models.Index(name="member_home_store", fields=["home_store", "last_purchase_at"]),  # segments by store
            models.Index(name="member_last_purchase", fields=["last_purchase_at"]),  # dormant segments
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.card_no}"

    @property
    def masked_phone(self) -> str:
        """The phone as pages show it."""
        return f"****{self.phone_tail}" if self.phone_tail else ""
