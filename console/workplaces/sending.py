"""The red button: what is being sent, and who holds it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.models import Run
from console.workplaces.base import attempt, need, page, workplace
from delivery.models import Brake
from delivery.queries.control_room import UnderWay, lanes, under_way
from delivery.services import brakes
from foundation import clock
from foundation.admin_mixins import operator_of
from templates_sms.models import Tier

ORDER = [Tier.VERIFICATION, Tier.NOTICE, Tier.MARKETING, Tier.INTERNAL]


@require_safe
@workplace("delivery.view_dispatch")
def sending(request: HttpRequest) -> HttpResponse:
    """Everything that leaves or waits to leave, and the brakes on it."""
    shown = under_way()
    everything = Brake.objects.select_related("by").filter(scope=brakes.ALL).first()
    tiers = [(Tier(one.tier).label, one) for one in lanes(tiers=[str(tier) for tier in ORDER], shown=shown)]
    return page(
        request, "sending", _("Sending"), everything=everything, tiers=tiers, dispatches=_named(shown),
        waiting=sum(one.waiting for one in shown), in_hands=sum(one.in_hands for _label, one in tiers),
    )  # fmt: skip


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
    return _act(request, _("Nothing of this leaves any more."), brakes.pull, reason=request.POST.get("reason", ""))


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
