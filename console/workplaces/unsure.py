"""Unsure messages: what is known of each, and the decision of a person."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, need, page, workplace
from delivery.models import Channel
from delivery.queries.reasons import reason_word, receipt_codes
from delivery.queries.unsure import Known, ages, oldest_known
from delivery.queries.watch import Bands, newest_known, unsure_bands
from delivery.services import unsure as settling
from foundation import clock
from foundation.admin_mixins import operator_of

PER_PAGE = 50
MOST_DIGITS = 18


@require_safe
@workplace("delivery.view_message")
def unsure(request: HttpRequest) -> HttpResponse:
    """How many, how old, and a page of them with everything that is known."""
    now = clock.now()
    known, more = _page_of(request)
    return page(
        request, "unsure", _("Unsure messages"), now=now, ages=ages(), known=_in_words(known), more=more,
        is_newest_first="newest" in request.GET, **_counted(now),
    )  # fmt: skip


def _page_of(request: HttpRequest) -> tuple[list[Known], str]:
    """The asked-for page, and the address of the next one; empty when there is none."""
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) <= MOST_DIGITS else None
    if "newest" in request.GET:
        known, way = newest_known(limit=PER_PAGE, before_id=after), "?newest&after="
    else:
        known, way = oldest_known(limit=PER_PAGE, after_id=after or 0), "?after="
    return known, f"{way}{known[-1].row.pk}" if len(known) == PER_PAGE else ""


def _in_words(known: list[Known]) -> list[tuple[Known, list[tuple[datetime, Any, str]]]]:
    """Each with how its calls ended: when, in words, and the provider's code."""
    codes = receipt_codes()
    return [
        (one, [(ended.at, reason_word(ended.category, codes), ended.vendor_code) for ended in one.tries])
        for one in known
    ]  # fmt: skip


def _counted(now: datetime) -> dict[str, Any]:
    names = dict(Channel.objects.values_list("pk", "name"))
    found = unsure_bands(now=now)
    by_channel = [(names.get(pk, pk), bands) for pk, bands in sorted(found.items())]
    return {"by_channel": by_channel, "all_channels": sum(found.values(), Bands())}


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
