"""The red button: what is being sent, and who holds it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from campaigns.models import Run
from console.workplaces.alerts import unconfirmed_year
from console.workplaces.base import attempt, need, page, workplace
from delivery.models import Brake
from delivery.queries.control_room import Lane, UnderWay, lanes, under_way
from delivery.queries.unsure import ages
from delivery.services import brakes
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.models import AuditEntry
from foundation.queries import latest_entries
from templates_sms.models import Tier

ORDER = [Tier.VERIFICATION, Tier.NOTICE, Tier.MARKETING, Tier.INTERNAL]
HISTORY = 10
DONE = {"brake.pulled": gettext_lazy("held: %(what)s"), "brake.released": gettext_lazy("released: %(what)s")}


@require_safe
@workplace("delivery.view_dispatch")
def sending(request: HttpRequest) -> HttpResponse:
    """Everything that leaves or waits to leave, and the brakes on it."""
    shown = under_way()
    everything = Brake.objects.select_related("by").filter(scope=brakes.ALL).first()
    found = lanes(tiers=[str(tier) for tier in ORDER], now=clock.now())
    return page(
        request, "sending", _("Sending"), everything=everything, dispatches=_named(shown), total=_total(found),
        tiers=[(Tier(one.tier).label, one) for one in found], is_partly_held=any(one.brake for one in found),
        history=_history(), next_year=unconfirmed_year(),
    )  # fmt: skip


def _total(found: list[Lane]) -> dict[str, Any]:
    return {
        "waiting": sum(one.waiting for one in found), "in_hands": sum(one.in_hands for one in found),
        "at_providers": sum(one.at_providers for one in found), "unsure": ages().count,
        "oldest": min((one.oldest for one in found if one.oldest), default=None),
    }  # fmt: skip


def _history() -> list[tuple[Any, AuditEntry]]:
    """Who held and released what, in words, the newest first."""
    entries = latest_entries(subjects=[f"delivery.brake:{scope}" for scope in brakes.SCOPES], limit=HISTORY)
    return [(DONE[one.action] % {"what": _scope_word(one.subject.partition(":")[2])}, one) for one in entries]


def _scope_word(scope: str) -> str:
    return str(_("everything") if scope == brakes.ALL else dict(Tier.choices).get(scope.removeprefix("TIER:"), scope))


def _named(shown: list[UnderWay]) -> list[tuple[Run | None, UnderWay]]:
    """Each dispatch beside the run that asked for it."""
    runs = Run.objects.select_related("campaign").filter(dispatch_id__in=[one.dispatch.pk for one in shown])
    by_dispatch = {one.dispatch_id: one for one in runs}
    return [(by_dispatch.get(one.dispatch.pk), one) for one in shown]


@require_POST
@workplace("delivery.view_dispatch")
def pull(request: HttpRequest) -> HttpResponse:
    """Hold everything or one tier; the second of two clicks, with the reason."""
    need(request, "delivery.pull_brake")
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, _("Say why it is stopped, so that colleagues know."))
        return redirect("sending")
    return _act(request, _("Nothing of this leaves any more."), brakes.pull, reason=reason)


@require_POST
@workplace("delivery.view_dispatch")
def release(request: HttpRequest) -> HttpResponse:
    """Let what was held go on."""
    need(request, "delivery.pull_brake")
    return _act(request, _("Sending goes on with the next person."), brakes.release)


def _act(request: HttpRequest, done: str, call: Any, **facts: Any) -> HttpResponse:
    scope = request.POST.get("scope", "")
    if scope not in brakes.SCOPES:
        raise Http404
    attempt(request, done, call, scope=scope, by=operator_of(request), now=clock.now(), **facts)
    return redirect("sending")


def held_badge(request: HttpRequest) -> str:
    """The sidebar's mark while anything is held."""
    return str(_("held")) if request.user.has_perm("delivery.view_dispatch") and Brake.objects.exists() else ""
