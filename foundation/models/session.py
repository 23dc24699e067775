"""Who is logged in, where."""

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _


class Session(AbstractBaseSession):
    """
    A browser that is logged in, with its operator beside it: so all of theirs can be found and ended.

    `begun_at` is the login, by the wall's clock. Visitors without a login have neither.
    """

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("operator"), null=True, on_delete=models.CASCADE, related_name="+"
    )
    begun_at = models.DateTimeField(_("logged in at"), null=True)

    def __str__(self) -> str:
        return f"{self.operator_id} since {self.begun_at}"  # the key is a secret
