"""One's own password at the office."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from foundation import clock
from foundation.forms import OfficePasswordForm
from foundation.services.access import own_password_changed


class OwnPassword(PasswordChangeView):
    """Choose another password; has to be done with a one-time one."""

    form_class = OfficePasswordForm
    template_name = "console/own_password.html"
    success_url = reverse_lazy("admin:index")

    def form_valid(self, form: Any) -> HttpResponse:
        """A one-time password is used up; logins elsewhere end."""
        response = super().form_valid(form)
        own_password_changed(operator=form.user, session_key=self.request.session.session_key, now=clock.now())
        messages.success(self.request, _("Your password is changed. Your other logins have ended."))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the theme's page wants to know."""
        frame = {"title": _("Choose a password"), "subtitle": None}
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs), **frame}
