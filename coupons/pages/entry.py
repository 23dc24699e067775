"""Before the till: logging in, choosing the store, leaving."""

import time
from typing import Any

from django.contrib.auth import logout as end_session
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST

from coupons.services.till import STORE_KEY
from foundation import clock
from foundation.errors import DomainError
from foundation.forms import TillLoginForm, TillPasswordForm
from foundation.models import Operator
from foundation.page_policy import strict_page
from foundation.services import second_factor
from foundation.services.access import own_password_changed
from members.queries.stores import stores_of


class TillLogin(LoginView):
    """Name and password."""

    authentication_form = TillLoginForm
    template_name = "coupons/login.html"
    next_page = "coupons:till"

    def form_valid(self, form: Any) -> HttpResponse:
        """Begin the login's time."""
        response = super().form_valid(form)
        second_factor.came_in(session=self.request.session, operator=form.get_user(), at=time.time())
        return response


class TillPassword(PasswordChangeView):
    """Choose a password instead of the one-time one."""

    form_class = TillPasswordForm
    template_name = "coupons/password.html"
    success_url = reverse_lazy("coupons:till")

    def form_valid(self, form: Any) -> HttpResponse:
        """The one-time password is used up; logins elsewhere end."""
        response = super().form_valid(form)
        own_password_changed(operator=form.user, session_key=self.request.session.session_key, now=clock.now())
        return response


@strict_page()
def code(request: HttpRequest) -> HttpResponse:
    """The code of a clerk who has a second factor: whoever left the office for a store, mostly."""
    operator, error = request.user, ""
    if not isinstance(operator, Operator):
        return redirect("coupons:till_login")
    if request.method == "POST":
        facts: Any = {"operator": operator, "text": request.POST.get("code", ""), "session": request.session}
        try:
            second_factor.enter(**facts, at=time.time(), now=clock.now())
        except DomainError as refusal:
            error = str(refusal)
        else:
            return redirect("coupons:till")
    return render(request, "coupons/code.html", {"error": error}, status=400 if error else 200)


login = strict_page()(TillLogin.as_view())
password = strict_page()(TillPassword.as_view())


@strict_page()
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session on this till."""
    end_session(request)
    return redirect("coupons:till_login")


@strict_page()
def choose_store(request: HttpRequest) -> HttpResponse:
    """Let a clerk of several stores say where they are; remembered until they log out."""
    operator = request.user
    if not isinstance(operator, Operator):
        return redirect("coupons:till_login")
    stores = stores_of(operator_id=operator.pk, now=clock.now())
    if request.method == "POST":
        chosen = next((store for store in stores if str(store.pk) == request.POST.get("store")), None)
        if chosen is not None:
            request.session[STORE_KEY] = chosen.pk
            return redirect("coupons:till")
    if not stores:
        return render(request, "coupons/not_allowed.html", {"has_no_store": True}, status=403)
    return render(request, "coupons/store.html", {"stores": stores, "operator": operator})
