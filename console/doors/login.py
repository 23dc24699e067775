"""Logging in at the office."""

import time
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from foundation.forms import OfficeLoginForm
from foundation.models import Operator
from foundation.services import second_factor


class OfficeLogin(LoginView):
    """Name and password, in unfold's frame."""

    authentication_form = OfficeLoginForm
    template_name = "admin/login.html"
    next_page = "admin:index"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Whoever is inside already needs no door."""
        if request.method == "GET" and admin.site.has_permission(request):
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Begin the login's time."""
        response = super().form_valid(form)
        second_factor.came_in(session=self.request.session, operator=cast(Operator, form.get_user()), at=time.time())
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the theme's page wants to know."""
        frame = {"title": _("Log in"), "subtitle": None, "app_path": self.request.get_full_path()}
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs), **frame}
