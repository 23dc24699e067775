"""Receipts that match no message and notes that can't be read: kept and shown."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.workplaces.base import page, workplace
from delivery.models import Channel
from delivery.queries.strays import latest_strays, latest_unread, strays_by_channel
from delivery.queries.watch import stray_bands
from foundation import clock

PER_PAGE = 50
MOST_DIGITS = 18


@require_safe
@workplace("delivery.view_channel")
def unknown_receipts(request: HttpRequest) -> HttpResponse:
    """Counts by channel and age, then the newest."""
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isdecimal() and len(asked) <= MOST_DIGITS else None
    names = dict(Channel.objects.values_list("pk", "name"))
    rows = latest_strays(limit=PER_PAGE, before_id=before)
    strays, ages = strays_by_channel(), stray_bands(now=clock.now())
    waiting, given_up = sum(one.waiting for one in strays), sum(one.given_up for one in strays)
    return page(
        request, "unknown_receipts", _("Receipts without a message"), total=waiting + given_up,
        waiting=waiting, given_up=given_up,
        by_channel=[(names.get(pk, pk), bands) for pk, bands in sorted(ages.items())],
        rows=[(one, names.get(one.channel_id, one.channel_id)) for one in rows],
        unread=[] if before else [
            (one, names.get(one.channel_id, one.channel_id), row) for one, row in latest_unread(limit=PER_PAGE)
        ],
        next_before=rows[-1].pk if len(rows) == PER_PAGE else None,
    )  # fmt: skip
