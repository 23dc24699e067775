"""Unsure messages: what is known of each, and the decision of a person."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, need, page, workplace
from delivery.models import Channel
from delivery.queries.unsure import ages, ages_by_channel, oldest_known
from delivery.services import unsure as settling
from foundation import clock
from foundation.admin_mixins import operator_of

PER_PAGE = 50
MOST_DIGITS = 18


@require_safe
@workplace("delivery.view_message")
def unsure(request: HttpRequest) -> HttpResponse:
    """How many, how old, and the oldest with everything that is known."""
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) <= MOST_DIGITS else 0
    known = oldest_known(limit=PER_PAGE, after_id=after)
    names = dict(Channel.objects.values_list("pk", "name"))
    by_channel = [(names.get(pk, pk), found) for pk, found in sorted(ages_by_channel().items())]
    return page(
        request, "unsure", _("Unsure messages"), ages=ages(), by_channel=by_channel, known=known,
        next_after=known[-1].row.pk if len(known) == PER_PAGE else None,
    )  # fmt: skip


@require_POST
@workplace("delivery.view_message")
def decide(request: HttpRequest, action: str) -> HttpResponse:
    """A person says of the chosen messages whether they were sent."""
    need(request, "delivery.settle_unsure")
    chosen = [one for one in request.POST.getlist("message") if one.isdecimal() and len(one) <= MOST_DIGITS]
    attempt(
        request, _("It is settled."), _decide, message_ids=[int(one) for one in chosen], was_sent=action == "sent",
        by=operator_of(request), now=clock.now(),
    )  # fmt: skip
    return redirect("unsure")


def _decide(**facts: Any) -> None:
    settling.decide(**facts)
