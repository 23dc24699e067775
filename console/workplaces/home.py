"""Home: what waits, how today goes, what runs."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Run, RunState
from campaigns.queries import progress
from console.workplaces.alerts import open_sentences
from console.workplaces.waiting import waiting_for
from coupons.models import Redemption
from delivery.models import Channel, Dispatch
from delivery.queries.reasons import ailment_word
from delivery.queries.tally import tally_of
from foundation import clock
from members.models import ConsentEvent, Member

RUNS = 8
ALERTS = 3


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold's index page shows."""
    now = clock.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    # A machine that comes back writes a skipped run for each missed occurrence: they would fill the list.
    seen = Run.objects.exclude(state=RunState.SKIPPED).select_related("campaign", "campaign__author")
    runs = seen.order_by("-id")[:RUNS]
    return context | {
        "title": _("Today"),
        "waiting": waiting_for(request.user),
        "alerts": open_sentences(request, limit=ALERTS),
        "tiles": _tiles(midnight),
        "runs": [(run, progress(run=run)) for run in runs] if request.user.has_perm("campaigns.view_campaign") else [],
        "running_states": (RunState.FIRED, RunState.FREEZING, RunState.SENDING),
        "channels": [(one, ailment_word(one.broken_reason)) for one in Channel.objects.order_by("id")],
        "has_members": Member.objects.exists(),
    }


def _tiles(midnight: Any) -> dict[str, int]:
    recent = Dispatch.objects.filter(not_before__gte=midnight, not_before__lt=midnight + timedelta(days=1))
    states: dict[str, int] = {}
    cost = 0
    for row in tally_of(dispatch_ids=list(recent.values_list("pk", flat=True))):
        states[row.state] = states.get(row.state, 0) + row.message_count
        cost += row.cost
    used = Redemption.objects.filter(redeemed_at__gte=midnight, state="ACCEPTED").aggregate(
        count=Count("id"), saving=Sum("discount_fen")
    )
    opt_outs = ConsentEvent.objects.filter(Q(consent="OPTED_OUT"), at__gte=midnight).count()
    with_result = sum(states.get(name, 0) for name in ("DELIVERED", "UNDELIVERED", "UNREPORTED"))
    return {
        "submitted": with_result + states.get("ACCEPTED", 0) + states.get("UNSURE", 0),
        "delivered": states.get("DELIVERED", 0), "with_result": with_result, "unsure": states.get("UNSURE", 0),
        "cost": cost, "redeemed": used["count"] or 0, "saving_fen": used["saving"] or 0, "opt_outs": opt_outs,
        "waiting": states.get("PLANNED", 0),
    }  # fmt: skip
