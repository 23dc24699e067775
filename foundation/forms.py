"""Forms of both doors, office and till."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.forms import AuthenticationForm as UnfoldAuthenticationForm

from foundation import clock
from foundation.models import Operator
from foundation.services import lockout


class DoorWords(AuthenticationForm):
    """What a door says when it stays shut: for how long, or that a one-time password is too old."""

    request: HttpRequest

    def get_invalid_login_error(self) -> forms.ValidationError:
        """Too many wrong passwords say so; whether this one was right stays unsaid."""
        if not getattr(self.request, "axes_locked_out", False):
            return super().get_invalid_login_error()
        minutes = max(lockout.wait_minutes(self.request, {"username": self.cleaned_data["username"]}), 1)
        words = ngettext(
            "Too many wrong passwords. Try again in %(minutes)s minute, or ask IT to unlock you.",
            "Too many wrong passwords. Try again in %(minutes)s minutes, or ask IT to unlock you.",
            minutes,
        )
        return forms.ValidationError(words % {"minutes": minutes}, code="locked")

    def confirm_login_allowed(self, user: Operator) -> None:
        """A one-time password that was not used in time is none."""
        super().confirm_login_allowed(user)
        if user.one_time_until is not None and user.one_time_until <= clock.now():
            raise forms.ValidationError(_("This one-time password is too old. Ask IT for a new one."), code="too_old")


class TillLoginForm(DoorWords):
    """The till's."""


class OfficeLoginForm(DoorWords, UnfoldAuthenticationForm):
    """The office's, dressed by the theme; for staff only."""


class FreshPassword(PasswordChangeForm):
    """Another password than before: a one-time one is known to whoever gave it."""

    def clean_new_password2(self) -> Any:
        """Refuse the old one."""
        fresh = self.cleaned_data.get("new_password2")
        if fresh and fresh == self.cleaned_data.get("old_password"):
            raise forms.ValidationError(_("Choose another password than the one you have now."))
        return fresh


class TillPasswordForm(FreshPassword):
    """The till's."""


class OfficePasswordForm(FreshPassword, AdminOwnPasswordChangeForm):
    """The office's, dressed by the theme."""
