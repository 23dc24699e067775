"""API keys: which systems may call, what each may, its secret shown once."""

import ipaddress
from typing import Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.workplaces.base import attempt, need, page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import ApiKey
from foundation.queries import latest_entries
from foundation.services import api_keys as services
from members.models import Store
from members.services.scopes import set_stores

EVENTS = 20
ACTS = {
    "api_key.made": gettext_lazy("made"), "api_key.rotated": gettext_lazy("new secret"),
    "api_key.old_secret_ended": gettext_lazy("old secret ended"), "api_key.switched_on": gettext_lazy("switched on"),
    "api_key.switched_off": gettext_lazy("switched off"), "api.denied": gettext_lazy("call refused"),
}  # fmt: skip


class ApiKeyForm(forms.Form):
    """A system that is to call."""

    name = forms.CharField(
        label=pgettext_lazy("thing", "Name"), max_length=64, help_text=gettext_lazy("The system, as staff know it.")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("It may"), choices=settings.API_SCOPES, widget=forms.CheckboxSelectMultiple
    )
    reaches_every_store = forms.BooleanField(
        label=gettext_lazy("For every store"), required=False,
        help_text=gettext_lazy(
            "Those that open later too. Messages, campaigns, segments and the suppression list need this."
        ),
    )  # fmt: skip
    stores = forms.ModelMultipleChoiceField(
        label=gettext_lazy("For these stores"), queryset=Store.objects.filter(is_active=True).order_by("code"),
        required=False,
        help_text=gettext_lazy("It reads and writes their members and orders, and redeems coupons in them."),
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )  # fmt: skip
    networks = forms.CharField(
        label=gettext_lazy("May call from"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Addresses or networks, one a line: 203.0.113.7 or 10.0.0.0/8. Empty: from anywhere."),
    )
    calls_per_minute = forms.IntegerField(
        label=gettext_lazy("Calls per minute at most"), min_value=1, max_value=60_000, initial=600
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Ends"), required=False, help_text=gettext_lazy("Empty: it does not end by itself."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Every store or some; a key that reaches none could do nothing."""
        facts = super().clean() or {}
        if bool(facts.get("reaches_every_store")) == bool(facts.get("stores")):
            self.add_error("stores", _("Choose stores, or tick “For every store”."))
        return facts

    def clean_networks(self) -> list[str]:
        """Each line as a network in its one form."""
        lines = [line.strip() for line in self.cleaned_data["networks"].splitlines() if line.strip()]
        try:
            return [str(ipaddress.ip_network(line)) for line in lines]
        except ValueError as wrong:
            raise forms.ValidationError(_("This is no address and no network: %(why)s") % {"why": wrong}) from wrong


@require_safe
@workplace("foundation.view_apikey")
def api_keys(request: HttpRequest) -> HttpResponse:
    """All keys, those that may call first."""
    rows = (
        ApiKey.objects.select_related("operator")
        .annotate(store_count=Count("operator__store_scopes"))
        .order_by("-is_active", "name")
    )
    return page(request, "api_keys", _("API keys"), rows=rows, now=clock.now())


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("foundation.view_apikey")
def new_api_key(request: HttpRequest) -> HttpResponse:
    """Make a key; the answer to the form shows its secret, once."""
    need(request, "foundation.add_apikey")
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts, by, now = dict(form.cleaned_data), operator_of(request), clock.now()
        stores = facts.pop("stores")
        try:
            with transaction.atomic():
                key, secret = services.make_key(**facts, by=by, now=now)
                set_stores(operator_id=key.operator_id, store_ids=[one.pk for one in stores], by=by, now=now)
            return _page(request, key, secret=secret)
        except DomainError as refusal:
            form.add_error("name", str(refusal))
    return page(request, "make", _("New API key"), form=form, button=_("Make the key"), back="api-keys")


@require_safe
@workplace("foundation.view_apikey")
def api_key(request: HttpRequest, pk: int) -> HttpResponse:
    """One key: what it may, its secrets by age, who did what to it, which calls were refused."""
    return _page(request, get_object_or_404(ApiKey, pk=pk))


def _page(request: HttpRequest, key: ApiKey, secret: str = "") -> HttpResponse:
    labels = dict(settings.API_SCOPES)
    events = [(one, ACTS.get(one.action, one.action)) for one in latest_entries(subjects=[key.subject], limit=EVENTS)]
    stores = Store.objects.filter(scopes__operator=key.operator_id).order_by("code")
    answer = page(
        request, "api_key", key.name, key=key, secret=secret, scopes=[labels.get(one, one) for one in key.scopes],
        secrets=key.secrets.order_by("-made_at"), stores=stores, events=events, now=clock.now(),
    )  # fmt: skip
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@workplace("foundation.view_apikey")
def api_key_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Make a new secret, which is shown once; end the old one; switch the key on or off."""
    need(request, "foundation.change_apikey")
    key = get_object_or_404(ApiKey, pk=pk)
    facts: dict[str, Any] = {"key_id": pk, "by": operator_of(request), "now": clock.now()}
    if action == "rotate":
        return _page(request, key, secret=services.rotate(**facts))
    if action == "end-old":
        attempt(request, _("Only the newest secret signs now."), services.end_old_secret, **facts)
    else:
        done = _("The key may call.") if action == "on" else _("The key may not call any more.")
        attempt(request, done, services.switch, is_active=action == "on", **facts)
    return redirect("api-key", pk=pk)
