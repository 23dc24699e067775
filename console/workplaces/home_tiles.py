"""The tiles of the home page: today's figures, each beside what it is measured against and with its list."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from console.templatetags.figures import share
from console.workplaces.schedule_words import delay_words
from coupons.queries import redeemed_on
from delivery.queries.control_room import lanes
from delivery.queries.today import Sent, sent_today
from delivery.queries.unsure import ages
from foundation.money import format_cost, format_fen
from members.queries.consent import complained_between, opted_out_between
from templates_sms.models import Tier

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its unit, what it is measured against, and the page behind it (empty for none)."""

    label: str
    value: str
    unit: str
    note: str
    url: str = ""


def tiles_of(user: Any, *, now: datetime) -> list[Tile]:
    """What `user` may see of today; the number of queries does not depend on how much there is."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    sees_campaigns = user.has_perm("campaigns.view_campaign")
    found: list[Tile] = []
    if user.has_perm("delivery.view_dispatch"):
        today, before = sent_today(midnight=midnight, now=now)
        found += [_submitted(today, before), _delivered(user, today), _unsure(user)]
        found += [_cost(today, before)] if sees_campaigns else []
    if user.has_perm("coupons.view_redemption"):
        found.append(_redeemed(now))
    if user.has_perm("members.view_consentevent"):
        found.append(_opted_out(midnight, now))
    if user.has_perm("members.view_suppression"):
        found.append(_complained(midnight, now))
    if user.has_perm("delivery.view_dispatch"):
        found.append(_oldest(now))
    return found


def _by_this_time(count: Any) -> str:
    return _("yesterday by this time %(count)s") % {"count": count}


def _submitted(today: Sent, before: Sent) -> Tile:
    note = _by_this_time(intcomma(before.submitted))
    return Tile(_("Submitted today"), intcomma(today.submitted), _("messages"), note, reverse("sending"))


def _delivered(user: Any, today: Sent) -> Tile:
    counts = {"delivered": intcomma(today.delivered), "with_result": intcomma(today.with_result)}
    url = reverse("channels") if user.has_perm("delivery.view_channel") else ""
    note = _("%(delivered)s ÷ %(with_result)s with a result") % counts
    return Tile(_("Delivery rate"), share(today.delivered, today.with_result), "", note, url)


def _unsure(user: Any) -> Tile:
    open_now = ages()
    note = _("never sent again on a guess")
    if open_now.oldest is not None:
        since = date_format(timezone.localtime(open_now.oldest), "m-d H:i")
        note = _("the oldest since %(at)s") % {"at": since}
    url = reverse("unsure") if user.has_perm("delivery.view_message") else ""
    return Tile(_("Unsure"), intcomma(open_now.count), _("messages"), note, url)


def _cost(today: Sent, before: Sent) -> Tile:
    note = _("yesterday by this time %(yuan)s yuan") % {"yuan": format_cost(before.cost)}
    return Tile(_("Cost today"), format_cost(today.cost), _("yuan"), note, reverse("campaigns"))


def _redeemed(now: datetime) -> Tile:
    day = timezone.localtime(now).date()
    today, before = redeemed_on(day=day, until=now), redeemed_on(day=day - DAY, until=now - DAY)
    facts = {"yuan": format_fen(today["saving_fen"]), "before": intcomma(before["count"])}
    note = _("saved %(yuan)s yuan · yesterday by this time %(before)s") % facts
    url = reverse("admin:coupons_redemption_changelist")
    return Tile(_("Redemptions today"), intcomma(today["count"]), _("coupons"), note, url)


def _opted_out(midnight: datetime, now: datetime) -> Tile:
    today, before = (opted_out_between(since=midnight - back, until=now - back) for back in (0 * DAY, DAY))
    url = reverse("admin:members_consentevent_changelist")
    return Tile(_("Opt-outs today"), intcomma(today), _("people"), _by_this_time(intcomma(before)), url)


def _complained(midnight: datetime, now: datetime) -> Tile:
    today, before = (complained_between(since=midnight - back, until=now - back) for back in (0 * DAY, DAY))
    url = reverse("admin:members_suppression_changelist")
    return Tile(_("Complaints today"), intcomma(today), _("people"), _by_this_time(intcomma(before)), url)


def _oldest(now: datetime) -> Tile:
    found = lanes(tiers=[str(one) for one in Tier], now=now)
    oldest = min((one.oldest for one in found if one.oldest), default=None)
    value = delay_words(int((now - oldest).total_seconds())) if oldest is not None else "—"
    waiting = {"count": intcomma(sum(one.waiting for one in found))}
    return Tile(_("Longest wait"), value, "", _("%(count)s messages wait in all") % waiting, reverse("sending"))
