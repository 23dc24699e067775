"""What may be said: signatures, templates, versions that never change, reviews, word lists."""

from uuid import UUID

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Tier(models.TextChoices):
    """Decides lane, consent, window and cap of a message."""

    VERIFICATION = "VERIFICATION", _("verification code")
    NOTICE = "NOTICE", _("notice")
    MARKETING = "MARKETING", _("marketing")
    INTERNAL = "INTERNAL", _("internal")


class Signature(models.Model):
    """The sender's name, shown as 【name】 in front of every message."""

    name = models.CharField(_("signature"), max_length=20, unique=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")

    def __str__(self) -> str:
        return f"【{self.name}】"


class TemplateState(models.TextChoices):
    DRAFT = "DRAFT", _("draft")
    SUBMITTED = "SUBMITTED", _("waiting for review")
    APPROVED = "APPROVED", _("approved")
    REJECTED = "REJECTED", _("sent back")
    RETIRED = "RETIRED", _("retired")


class Template(models.Model):
    """A text in work. What is sent is always an approved TemplateVersion."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    tier = models.CharField(_("tier"), max_length=16, choices=Tier.choices, default=Tier.MARKETING)
    signature = models.ForeignKey(
        Signature, verbose_name=_("signature"), on_delete=models.PROTECT, related_name="templates"
    )
    body = models.TextField(_("text"), max_length=1000)
    state = models.CharField(
        _("state"), max_length=16, choices=TemplateState.choices, default=TemplateState.DRAFT, editable=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.PROTECT, related_name="+", editable=False
    )
    changed_at = models.DateTimeField(_("changed at"), editable=False)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        permissions = [("approve_template", "Can approve templates")]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """An approved text. Immutable; `sha256` is over tier, signature and body."""

    template = models.ForeignKey(
        Template, verbose_name=_("template"), on_delete=models.PROTECT, related_name="versions"
    )
    number = models.PositiveIntegerField(_("version"))
    tier = models.CharField(_("tier"), max_length=16, choices=Tier.choices)
    signature_name = models.CharField(_("signature"), max_length=20)
    body = models.TextField(_("text"))
    sha256 = models.CharField(_("fingerprint"), max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("approved by"), on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(_("approved at"))

    class Meta:
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        constraints = [
            models.UniqueConstraint(name="template_version_once", fields=["template", "number"]),
            models.CheckConstraint(name="template_version_four_eyes", condition=~Q(author=models.F("approved_by"))),
        ]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"

    @property
    def fingerprint(self) -> UUID:
        """The name under which caps know the text."""
        return UUID(self.sha256[:32])


class ReviewAction(models.TextChoices):
    SUBMITTED = "SUBMITTED", _("submitted")
    APPROVED = "APPROVED", _("approved")
    REJECTED = "REJECTED", _("sent back")
    RETIRED = "RETIRED", _("retired")
    WITHDRAWN = "WITHDRAWN", _("withdrawn")
    AGREED = "AGREED", _("approved, a second one to follow")


class TemplateReview(models.Model):
    """One step of a template's way through review."""

    template = models.ForeignKey(Template, verbose_name=_("template"), on_delete=models.CASCADE, related_name="reviews")
    action = models.CharField(_("action"), max_length=16, choices=ReviewAction.choices)
    sha256 = models.CharField(_("fingerprint"), max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("who"), on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")

    def __str__(self) -> str:
        return f"{self.template_id} {self.action} #{self.pk}"


class WordKind(models.TextChoices):
    BANNED = "BANNED", _("forbidden")
    RISKY = "RISKY", _("risky")


class SensitiveWord(models.Model):
    """A word of the chain's own list, added to the built-in one."""

    word = models.CharField(_("word"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=WordKind.choices, default=WordKind.RISKY)
    advice = models.CharField(_("advice"), max_length=120, blank=True, default="")
    substitute = models.CharField(_("better"), max_length=40, blank=True, default="")

    class Meta:
        verbose_name = _("sensitive word")
        verbose_name_plural = _("word list")

    def __str__(self) -> str:
        return self.word
