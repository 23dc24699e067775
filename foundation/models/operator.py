"""Who logs in."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OperatorManager(BaseUserManager["Operator"]):
    """Makes operators; passwords are hashed here."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "Operator":
        """A new operator who may log in to the pages that their roles open."""
        operator = self.model(username=username, **fields)
        operator.set_password(password)
        operator.save(using=self._db)
        return operator

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "Operator":
        """A new operator who may do everything; for setting up, not for daily work."""
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class Operator(AbstractBaseUser, PermissionsMixin):
    """A person who logs in: marketing, approver, clerk, store manager, IT."""

    username = models.CharField(
        _("login name"),
        max_length=64,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("There is an operator with this login name already.")},
    )
    display_name = models.CharField(pgettext_lazy("person", "name"), max_length=64, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    is_staff = models.BooleanField(_("may open the office pages"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    phone_cipher = models.BinaryField(_("sealed phone"), null=True, editable=False)
    phone_tail = models.CharField(_("phone ends in"), max_length=4, blank=True, default="", editable=False)
    # Set: the password was given by IT, is good until then, and the next login has to choose another one.
    one_time_until = models.DateTimeField(_("one-time password until"), null=True, editable=False)
    is_demo = models.BooleanField(_("demo login"), default=False, editable=False)
    joined_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = OperatorManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")

    def __str__(self) -> str:
        return self.display_name or self.username
