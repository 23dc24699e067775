"""Webhooks: which systems are told what, how each telling went, and telling again."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import URLValidator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.workplaces.base import attempt, need, page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import WebhookCall, WebhookEndpoint
from foundation.services import webhooks as services

CALLS = 50


class WebhookForm(forms.Form):
    """A system that is to be told."""

    name = forms.CharField(
        label=pgettext_lazy("thing", "Name"), max_length=64, help_text=gettext_lazy("The system, as staff know it.")
    )
    url = forms.URLField(
        label=gettext_lazy("Address"), max_length=300, assume_scheme="https",
        validators=[URLValidator(schemes=["https", "http"])],
        help_text=gettext_lazy("Where it listens, with https unless it is in your own network."),
    )  # fmt: skip
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("It is told"), choices=settings.WEBHOOK_TOPICS, widget=forms.CheckboxSelectMultiple
    )


@require_safe
@workplace("foundation.view_webhookendpoint")
def webhooks(request: HttpRequest) -> HttpResponse:
    """All webhooks with what waits and what was given up."""
    waiting, failed = (Count("calls", filter=Q(calls__state=state)) for state in ("WAITING", "FAILED"))
    rows = WebhookEndpoint.objects.annotate(waiting=waiting, failed=failed).order_by("-is_active", "name")
    return page(request, "webhooks", _("Webhooks"), rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("foundation.view_webhookendpoint")
def new_webhook(request: HttpRequest) -> HttpResponse:
    """Make a webhook; the answer to the form shows its secret, once."""
    need(request, "foundation.add_webhookendpoint")
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = services.make_endpoint(
                **form.cleaned_data, by=operator_of(request), now=clock.now()
            )  # fmt: skip
            return _page(request, endpoint, secret=secret)
        except DomainError as refusal:
            form.add_error("name", str(refusal))
    return page(request, "make", _("New webhook"), form=form, button=_("Make the webhook"), back="webhooks")


@require_safe
@workplace("foundation.view_webhookendpoint")
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One webhook with its latest calls."""
    return _page(request, get_object_or_404(WebhookEndpoint, pk=pk))


def _page(request: HttpRequest, endpoint: WebhookEndpoint, secret: str = "") -> HttpResponse:
    labels = dict(settings.WEBHOOK_TOPICS)
    calls = [(one, labels.get(one.topic, one.topic)) for one in endpoint.calls.order_by("-id")[:CALLS]]
    topics = [labels.get(one, one) for one in endpoint.topics]
    answer = page(
        request, "webhook", endpoint.name, endpoint=endpoint, secret=secret, calls=calls, topics=topics, limit=CALLS
    )  # fmt: skip
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@workplace("foundation.view_webhookendpoint")
def webhook_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Switch a webhook on or off."""
    need(request, "foundation.change_webhookendpoint")
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    facts: dict[str, Any] = {"by": operator_of(request), "now": clock.now()}
    done = _("It is told again, with what happened meanwhile.") if action == "on" else _("It is told nothing any more.")
    attempt(request, done, services.switch, endpoint_id=endpoint.pk, is_active=action == "on", **facts)
    return redirect("webhook", pk=pk)


@require_POST
@workplace("foundation.view_webhookendpoint")
def webhook_replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell one thing again."""
    need(request, "foundation.change_webhookendpoint")
    call = get_object_or_404(WebhookCall, pk=pk)
    facts: dict[str, Any] = {"by": operator_of(request), "now": clock.now()}
    attempt(request, _("It is told again."), services.replay, call_id=call.pk, **facts)
    return redirect("webhook", pk=call.endpoint_id)
