"""A campaign's choices of repeat, days, pace and late start, and delays, in words."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.models import Campaign, LatePolicy, Repeat, WaveKind
from delivery.models import DayRule

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def schedule_words(campaign: Campaign) -> list[str]:
    """What is not plain about when a campaign is sent, in the parts of one sentence."""
    parts = [_repeat_words(campaign), _wave_words(campaign)]
    if campaign.day_rule != DayRule.ANY:
        parts.append(campaign.get_day_rule_display())
    parts.append(_late_words(campaign))
    return [part for part in parts if part]


def _repeat_words(campaign: Campaign) -> str:
    repeat = campaign.get_repeat_display()
    if campaign.repeat == Repeat.ONCE:
        return ""
    if campaign.repeat_until is None:
        return _("%(repeat)s until somebody ends it") % {"repeat": repeat}
    return _("%(repeat)s until %(day)s") % {"repeat": repeat, "day": date_format(campaign.repeat_until, "Y-m-d")}


def _wave_words(campaign: Campaign) -> str:
    count, minutes = campaign.wave_count, campaign.wave_minutes
    words = {
        WaveKind.NONE: "",
        WaveKind.SPREAD: _("evenly over %(minutes)s minutes"),
        WaveKind.SHARE: _("in %(count)s equal waves, %(minutes)s minutes apart"),
        WaveKind.STORE: _("store by store, %(minutes)s minutes apart"),
        WaveKind.REGION: _("city by city, %(minutes)s minutes apart"),
    }
    total = count * minutes if campaign.wave_kind == WaveKind.SPREAD else minutes
    return words[WaveKind(campaign.wave_kind)] % {"count": count, "minutes": total}


def _late_words(campaign: Campaign) -> str:
    words = {
        LatePolicy.SEND: "",
        LatePolicy.SKIP: _("skipped when more than %(minutes)s minutes late"),
        LatePolicy.ASK: _("asks when more than %(minutes)s minutes late"),
    }
    return words[LatePolicy(campaign.late_policy)] % {"minutes": campaign.late_minutes}


def delay_words(seconds: int) -> str:
    """A delay with its two largest units."""
    if seconds < MINUTE:
        return _("%(seconds)s s") % {"seconds": max(seconds, 0)}
    if seconds < HOUR:
        return _("%(minutes)s min") % {"minutes": seconds // MINUTE}
    if seconds < DAY:
        return _("%(hours)s h %(minutes)s min") % {"hours": seconds // HOUR, "minutes": seconds % HOUR // MINUTE}
    return _("%(days)s d %(hours)s h") % {"days": seconds // DAY, "hours": seconds % DAY // HOUR}
