"""Channels: how each one is, and what staff can do about it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, need, page, workplace
from delivery.models import CARRIERS, Channel, ChannelState, Route, RoutePolicy
from delivery.queries.control_room import Condition, conditions
from delivery.queries.reasons import ailment_word
from delivery.services import channels as steering
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.phone import PhoneRefused, parse_mobile
from templates_sms.models import TemplateVersion, Tier
from templates_sms.queries import answer_texts

STATES = {"open": ChannelState.OPEN, "drain": ChannelState.DRAINED, "disable": ChannelState.DISABLED}
DONE = {
    "open": gettext_lazy("The channel carries messages again."),
    "drain": gettext_lazy("The channel gets no new messages; receipts still come."),
    "disable": gettext_lazy("The channel is switched off; nothing passes it."),
}


class TestForm(forms.Form):
    """One message to one's own phone."""

    phone = forms.CharField(label=gettext_lazy("Mobile number"), max_length=40)
    version = forms.ModelChoiceField(label=gettext_lazy("text"), queryset=TemplateVersion.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = answer_texts()

    def clean_phone(self) -> str:
        """Eleven digits."""
        try:
            return parse_mobile(self.cleaned_data["phone"])
        except PhoneRefused as refusal:
            raise forms.ValidationError(_("This is no mobile number. It needs 11 digits.")) from refusal


@require_safe
@workplace("delivery.view_channel")
def channels(request: HttpRequest) -> HttpResponse:
    """All channels with their last ten minutes, quota and balance; and how each tier chooses among them."""
    policies = dict(Route.objects.values_list("tier", "policy"))
    routes = [(label, RoutePolicy(policies.get(tier, RoutePolicy.WEIGHTS)).label) for tier, label in Tier.choices]
    rows = [
        (one, light_of(one), _serves(one.channel), ailment_word(one.channel.broken_reason))
        for one in conditions(now=clock.now())
    ]
    return page(request, "channels", _("Channels"), rows=rows, routes=routes, form=TestForm())


def light_of(one: Condition) -> tuple[str, Any]:
    """The class of the light and the words beside it."""
    if one.channel.state != ChannelState.OPEN:
        return "off", one.channel.get_state_display()
    if one.channel.circuit == "OPEN":
        return "bad", one.channel.get_circuit_display()
    if one.percent < 100:
        return "warn", _("comes back with %(percent)s %% of its share") % {"percent": one.percent}
    return ("ok", one.channel.get_circuit_display()) if one.is_awake else ("off", _("outside its sending hours"))


def _serves(channel: Channel) -> list[str]:
    names = dict(Tier.choices) | dict(CARRIERS)
    return [str(names[one]) for one in [*channel.tiers, *channel.carriers]] or [_("all tiers and carriers")]


@require_POST
@workplace("delivery.view_channel")
def channel_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Open, drain or switch off a channel."""
    need(request, "delivery.change_channel")
    channel = get_object_or_404(Channel, pk=pk)
    attempt(
        request, DONE[action], steering.set_state, channel_id=channel.pk, state=STATES[action],
        by=operator_of(request), now=clock.now(),
    )  # fmt: skip
    return redirect("channels")


@require_POST
@workplace("delivery.view_channel")
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Write one notice through this channel to a phone that comes by POST, so that it stands in no address."""
    need(request, "delivery.change_channel")
    channel = get_object_or_404(Channel, pk=pk)
    form = TestForm(request.POST)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(one) for one in errors))
        return redirect("channels")
    done = _("The test is on its way; look it up in the message search.")
    attempt(
        request, done, steering.send_test, channel_id=channel.pk, **form.cleaned_data, by=operator_of(request),
        now=clock.now(),
    )  # fmt: skip
    return redirect("channels")
