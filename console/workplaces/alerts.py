"""Alerts: what wants a person, in a sentence, with the page where it can be mended."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from campaigns.models import Run
from console.workplaces.base import attempt, need, page, workplace
from console.workplaces.proofs import WORDS
from delivery.models import Channel
from delivery.queries.calendar import is_year_confirmed
from delivery.queries.reasons import ailment_word
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.models import Alert
from foundation.money import format_cost
from foundation.services import alerts as keeping

CLOSED_SHOWN = 50

SENTENCES: dict[str, Any] = {
    "CHANNEL_BROKEN": gettext_lazy(
        "Channel %(channel)s was taken out of traffic (%(why)s). The others carry its share; it is tried again by "
        "itself."
    ),
    "BALANCE_LOW": gettext_lazy("Channel %(channel)s has ¥%(balance)s left at its provider: top it up."),
    "PROVIDER_REQUEST": gettext_lazy(
        "The provider of channel %(channel)s refuses our calls (%(why)s). IT has to look at the settings."
    ),
    "MESSAGE_INCOMPLETE": gettext_lazy(
        "Messages of a run were left out because their text or phone could not be written (%(why)s). IT has to look."
    ),
    "DISPATCH_PAUSED": gettext_lazy("A run was paused: the provider refuses its text (%(why)s)."),
    "UNSURE_OLD": gettext_lazy(
        "Messages of channel %(channel)s stay unsure for three days now. Somebody has to say whether they were sent."
    ),
    "RETENTION_BUSY": gettext_lazy(
        "An old month could not be deleted because it was in use. It is tried again nightly."
    ),
    "LEDGER_WRONG": gettext_lazy("The nightly proof “%(check)s” found %(wrong)s rows that do not agree. Call IT."),
    "NOTES_UNREAD": gettext_lazy(
        "Channel %(channel)s told receipts or replies that could not be read (%(why)s). They are kept; IT has to look."
    ),
    "START_STUCK": gettext_lazy(
        "“%(campaign)s” should have begun more than a minute ago and has not. A large one takes minutes to prepare; "
        "otherwise call IT."
    ),
    "WEBHOOK_FAILING": gettext_lazy(
        "The webhook “%(name)s” took nothing for two days (%(why)s); calls were given up. IT has to look."
    ),
    "LINK_GUESSING": gettext_lazy(
        "From network %(network)s %(count)s links that never existed were tried today. It has to wait until tomorrow; "
        "no such link opened anything."
    ),
    "RUN_LATE": gettext_lazy("The run of “%(campaign)s” came up %(seconds)s seconds late."),
}
"""What each code means; `facts` fill the names in."""

PLACES: dict[str, tuple[str, Callable[[int], str]]] = {
    "delivery.channel": ("delivery.view_channel", lambda pk: reverse("channels")),
    "delivery.dispatch": (
        "campaigns.view_campaign", lambda pk: _run_page(Run.objects.filter(dispatch_id=pk).first())
    ),
    "foundation.webhookendpoint": (
        "foundation.view_webhookendpoint", lambda pk: reverse("webhook", args=[pk])
    ),
    "campaigns.campaign": ("campaigns.view_campaign", lambda pk: reverse("campaign", args=[pk])),
    "campaigns.run": ("campaigns.view_campaign", lambda pk: _run_page(Run.objects.filter(pk=pk).first())),
}  # fmt: skip
PLACES_BY_CODE = {
    "UNSURE_OLD": ("delivery.view_message", "unsure"),
    "NOTES_UNREAD": ("delivery.view_channel", "unknown-receipts"),
    "LEDGER_WRONG": ("foundation.view_ledgerproof", "proofs"),
}
"""Who may open the page, and the page."""


def _run_page(run: Run | None) -> str:
    return f"{reverse('campaign', args=[run.campaign_id])}?run={run.pk}" if run is not None else reverse("campaigns")


class Facts(dict[str, Any]):
    """The facts of an alert; one that an earlier release did not keep is a dash."""

    def __missing__(self, key: str) -> str:
        return "—"


def _channel_of(alert: Alert) -> Channel | None:
    kind, _colon, number = alert.subject.partition(":")
    is_channel = kind == "delivery.channel" and number.isdecimal()
    return Channel.objects.filter(pk=int(number)).first() if is_channel else None


def sentence(alert: Alert) -> str:
    """What an alert says to a person."""
    known = SENTENCES.get(alert.code)
    facts = Facts(alert.facts)
    if "why" in facts:
        facts["why"] = ailment_word(str(facts["why"]))
    if "check" in facts:
        facts["check"] = WORDS.get(str(facts["check"]), facts["check"])
    if "balance" in facts:
        facts["balance"] = format_cost(int(facts["balance"]))
    if "channel" not in facts and (channel := _channel_of(alert)) is not None:
        facts["channel"] = channel.name
    return str(known) % facts if known is not None else alert.code


def place(request: HttpRequest, alert: Alert) -> str:
    """The address of the page where an alert can be seen to; empty when there is none that the reader may open."""
    if alert.code in PLACES_BY_CODE:
        permission, name = PLACES_BY_CODE[alert.code]
        return reverse(name) if request.user.has_perm(permission) else ""
    kind, _colon, number = alert.subject.partition(":")
    if kind not in PLACES or not number.isdecimal():
        return ""
    permission, address = PLACES[kind]
    return address(int(number)) if request.user.has_perm(permission) else ""


@require_safe
@workplace("foundation.view_alert")
def alerts(request: HttpRequest) -> HttpResponse:
    """What is open, then what was seen to."""
    found = Alert.objects.filter(closed_at__isnull=True).order_by("-last_at")
    closed = Alert.objects.filter(closed_at__isnull=False).select_related("closed_by").order_by("-closed_at")
    return page(
        request, "alerts", _("Alerts"), alerts=[(one, sentence(one), place(request, one)) for one in found],
        closed=[(one, sentence(one)) for one in closed[:CLOSED_SHOWN]], next_year=unconfirmed_year(),
    )  # fmt: skip


def unconfirmed_year() -> int | None:
    """Next year, from November on, as long as its public holidays only follow from the law."""
    today = timezone.localtime(clock.now())
    return today.year + 1 if today.month >= 11 and not is_year_confirmed(year=today.year + 1) else None


@require_POST
@workplace("foundation.view_alert")
def close_alert(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has seen to it."""
    need(request, "foundation.change_alert")
    if Alert.objects.filter(pk=pk).exists():
        attempt(
            request, _("The alert is closed. It comes back when its cause does."), keeping.close, alert_id=pk,
            by=operator_of(request), now=clock.now(),
        )  # fmt: skip
    return redirect("alerts")


def open_alerts(request: HttpRequest, *, limit: int) -> list[tuple[Alert, str, str]]:
    """The newest open alerts with sentence and place, for those who may see them."""
    if not request.user.has_perm("foundation.view_alert"):
        return []
    found = Alert.objects.filter(closed_at__isnull=True).order_by("-last_at")[:limit]
    return [(one, sentence(one), place(request, one)) for one in found]


def badge(request: HttpRequest) -> str:
    """How many alerts are open."""
    if not request.user.has_perm("foundation.view_alert"):
        return ""
    return str(Alert.objects.filter(closed_at__isnull=True).count() or "")
