"""Home: what waits, how today goes, what runs, what comes. Everybody sees what concerns their role."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.queries import WeekDay, next_week, runs_of_today
from console.workplaces.alerts import open_alerts
from console.workplaces.base import workplace
from console.workplaces.channel_rows import light_of
from console.workplaces.home_chart import chart_of
from console.workplaces.home_tiles import tiles_of
from console.workplaces.waiting import returned_to, waiting_for
from delivery.models import DayKind
from delivery.queries.control_room import conditions
from delivery.queries.reasons import ailment_word
from delivery.queries.today import sent_by_hour
from foundation import clock
from members.models import Member

RUNS = 8
ALERTS = 3
WAITING = 5
PLANS_OF_A_DAY = 3


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold's index page shows."""
    now = clock.now()
    waiting = waiting_for(request.user)
    return context | _live(request, now) | _hours(request, now) | {
        "title": _("Today"),
        "alerts": open_alerts(request, limit=ALERTS),
        "waiting": waiting[:WAITING],
        "waiting_count": len(waiting),
        "returned": returned_to(request.user)[:WAITING],
        "week": _week(now) if request.user.has_perm("campaigns.view_campaign") else [],
        "has_members": Member.objects.exists() or not request.user.has_perm("members.add_importfile"),
    }  # fmt: skip


@require_safe
@workplace()
def live(request: HttpRequest) -> HttpResponse:
    """Tiles, channels and runs, asked for every few seconds while the page is looked at."""
    return render(request, "console/_home_live.html", _live(request, clock.now()))


@require_safe
@workplace("delivery.view_dispatch")
def hours(request: HttpRequest) -> HttpResponse:
    """The chart of the last 24 hours, asked for every minute while the page is looked at."""
    return render(request, "console/_home_hours.html", _hours(request, clock.now()))


def _live(request: HttpRequest, now: datetime) -> dict[str, Any]:
    user = request.user
    may_see_channels, may_see_runs = (
        user.has_perm(name) for name in ("delivery.view_channel", "campaigns.view_campaign")
    )
    return {
        "now": now, "tiles": tiles_of(user, now=now),
        "may_see_channels": may_see_channels, "may_see_runs": may_see_runs,
        "channels": _channels(now) if may_see_channels else [],
        "runs": runs_of_today(now=now, limit=RUNS) if may_see_runs else [],
    }  # fmt: skip


def _channels(now: datetime) -> list[dict[str, Any]]:
    found = []
    for one in conditions(now=now):
        light, word = light_of(one)
        why = ailment_word(one.channel.broken_reason) or ("" if light == "ok" else word)
        found.append({"name": one.channel.name, "light": light, "word": word, "why": why, "pulse": one.pulse})
    return found


def _hours(request: HttpRequest, now: datetime) -> dict[str, Any]:
    may_see = request.user.has_perm("delivery.view_dispatch")
    return {"now": now, "chart": chart_of(sent_by_hour(now=now), now=now) if may_see else None}


def _week(now: datetime) -> list[dict[str, Any]]:
    """Each day with its mark and the first of its plans."""
    today = timezone.localtime(now).date()
    return [
        {
            "day": one.day, "is_today": one.day == today, "calendar": one.calendar, "mark": _mark(one),
            "plans": one.plans[:PLANS_OF_A_DAY], "more": max(len(one.plans) - PLANS_OF_A_DAY, 0),
        }
        for one in next_week(now=now)
    ]  # fmt: skip


def _mark(one: WeekDay) -> str:
    """What a day is beside its weekday: a day off, a day of work, a day on which no marketing leaves."""
    if one.calendar is None:
        return ""
    words = {DayKind.HOLIDAY: _("day off"), DayKind.WORKDAY: _("working day"), DayKind.BLACKOUT: _("no marketing")}
    return words[DayKind(one.calendar.kind)]
