"""Channels: how each one is, what the system did about it, and what staff can do."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, need, page, workplace
from console.workplaces.channel_charts import charts_of
from console.workplaces.channel_log import entries
from console.workplaces.channel_rows import rows_of, warnings_of
from console.workplaces.channel_shares import ACTS_OF, asked, shares_of
from delivery.models import Channel, ChannelState
from delivery.rules.health import DRIFT_FROM, FEWEST, HOLD, ROLLING_LIMITS, SUDDEN_LIMITS
from delivery.services import channels as steering
from delivery.services.channels import REASON_LETTERS
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.phone import PhoneRefused, parse_mobile
from templates_sms.models import TemplateVersion
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
        field.empty_label = None
        self.fields["phone"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "off", "autofocus": True}

    def clean_phone(self) -> str:
        """Eleven digits."""
        try:
            return parse_mobile(self.cleaned_data["phone"])
        except PhoneRefused as refusal:
            raise forms.ValidationError(_("This is no mobile number. It needs 11 digits.")) from refusal


class ReasonForm(forms.Form):
    """Why, for the log; nobody has to say."""

    reason = forms.CharField(
        label=gettext_lazy("Reason (optional, for the log)"), required=False, max_length=REASON_LETTERS,
        widget=forms.TextInput({"autofocus": True, "autocomplete": "off"}),
    )  # fmt: skip


@require_safe
@workplace("delivery.view_channel")
def channels(request: HttpRequest) -> HttpResponse:
    """All channels, and what a press on one of their buttons would do when `?channel=&do=` asks for it."""
    act = request.GET.get("do", "")
    if not act:
        return _page(request)
    need(request, "delivery.change_channel")
    number = request.GET.get("channel", "")
    if not number.isdecimal() or len(number) > 18:
        raise Http404
    channel = get_object_or_404(Channel, pk=int(number))
    if act not in ACTS_OF[channel.state]:
        return redirect("channels")  # somebody pressed meanwhile
    form = TestForm() if act == "test" else ReasonForm()
    return _page(request, asked=asked(channel, act, now=clock.now()), form=form)


def _page(request: HttpRequest, status: int = 200, **ask: Any) -> HttpResponse:
    now = clock.now()
    return page(request, "channels", _("Channels"), status=status, **(_table(now) | _charts(now) | _log(now) | ask))


@require_safe
@workplace("delivery.view_channel")
def live(request: HttpRequest, part: str) -> HttpResponse:
    """A part of the page, asked for every few seconds while it is looked at. Forms are in none of them."""
    parts = {"table": _table, "charts": _charts, "log": _log}
    return render(request, f"console/_channels_{part}.html", parts[part](clock.now()))


def _table(now: datetime) -> dict[str, Any]:
    rows = rows_of(now=now)
    return {
        "now": now, "warnings": warnings_of(rows, now=now),
        "rows": [(one, ACTS_OF[one.channel.state]) for one in rows],
        "has_quota": any(one.channel.daily_quota is not None for one in rows),
        "has_balance": any(one.channel.balance is not None for one in rows),
    }  # fmt: skip


def _charts(now: datetime) -> dict[str, Any]:
    return {
        "now": now, **charts_of(list(Channel.objects.order_by("id")), now=now), "fewest": FEWEST,
        "rolling": ROLLING_LIMITS, "sudden": SUDDEN_LIMITS,
    }  # fmt: skip


def _log(now: datetime) -> dict[str, Any]:
    return {
        "now": now, "entries": entries(), "tiers": shares_of(now=now), "drift_from": DRIFT_FROM,
        "hold": int(HOLD.total_seconds()) // 60,
    }  # fmt: skip


@require_POST
@workplace("delivery.view_channel")
def channel_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Open, drain or switch off a channel."""
    need(request, "delivery.change_channel")
    channel = get_object_or_404(Channel, pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, status=400, asked=asked(channel, action, now=clock.now()), form=form)
    attempt(
        request, DONE[action], steering.set_state, channel_id=channel.pk, state=STATES[action],
        by=operator_of(request), now=clock.now(), reason=form.cleaned_data["reason"],
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
        return _page(request, status=400, asked=asked(channel, "test", now=clock.now()), form=form)
    done = _("The test is on its way; look it up in the message search.")
    attempt(
        request, done, steering.send_test, channel_id=channel.pk, **form.cleaned_data, by=operator_of(request),
        now=clock.now(),
    )  # fmt: skip
    return redirect("channels")


@require_POST
@workplace("delivery.view_channel")
def add_simulator(request: HttpRequest) -> HttpResponse:
    """Add a channel that only pretends to send."""
    need(request, "delivery.add_channel")
    done = _("The simulated channel carries messages; it writes to nobody.")
    attempt(request, done, steering.add_simulator, by=operator_of(request), now=clock.now())
    return redirect("channels")
