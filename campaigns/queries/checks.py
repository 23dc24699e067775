"""What a preflight sheet means for the decision: what blocks, what to know, what is in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from campaigns.models import Campaign, Repeat
from campaigns.queries.sheet import Preflight, preflight
from delivery.models import DayRule
from delivery.queries.calendar import is_year_confirmed
from delivery.queries.channels import open_channels
from delivery.rules.window import day_of
from foundation.money import format_cost
from templates_sms.queries import findings


class Weight(StrEnum):
    BLOCKS = "BLOCKS"
    WARNS = "WARNS"
    PASSED = "PASSED"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `fix` names the work place where it is mended, empty when nothing needs to be."""

    weight: Weight
    title: Any
    detail: Any = ""
    fix: str = ""

    def __str__(self) -> str:
        return str(self.title)


@dataclass(frozen=True)
class Verdict:
    """A sheet and what it means."""

    sheet: Preflight
    checks: list[Check] = field(default_factory=list)

    def _of(self, weight: Weight) -> list[Check]:
        return [one for one in self.checks if one.weight == weight]

    @property
    def blockers(self) -> list[Check]:
        """What keeps it from being submitted."""
        return self._of(Weight.BLOCKS)

    @property
    def warnings(self) -> list[Check]:
        """What to know before submitting."""
        return self._of(Weight.WARNS)

    @property
    def passed(self) -> list[Check]:
        """What was looked at and is in order."""
        return self._of(Weight.PASSED)


def approvals_needed(people: int) -> int:
    """How many colleagues have to approve a campaign to so many people."""
    return 2 if people > settings.SECOND_APPROVAL_PEOPLE else 1


def examine(*, campaign: Campaign, now: datetime) -> Verdict:
    """The preflight sheet of a campaign and its verdict."""
    return verdict_of(campaign=campaign, sheet=preflight(campaign=campaign, now=now))


def verdict_of(*, campaign: Campaign, sheet: Preflight) -> Verdict:
    """What a sheet means for its campaign."""
    steps = (_people, _coupons, _clock, _channels, _wording, _length, _caps, _neighbours, _days)
    return Verdict(sheet, [check for step in steps for check in step(campaign, sheet)])


def _people(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    if sheet.will_receive == 0:
        yield Check(Weight.BLOCKS, _("Nobody would receive it."), fix="segment")
    if sheet.nameless:
        sentence = _("%(count)s people have no name; give the text a fallback like {name|会员}.")
        yield Check(Weight.BLOCKS, sentence % {"count": sheet.nameless}, fix="text")


def _coupons(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    if sheet.coupons_left is None:
        return
    if sheet.coupons_left < sheet.will_receive:
        yield Check(Weight.BLOCKS, _("The coupon batch has fewer coupons left than people."), fix="batch")
        return
    left = _("%(left)s left in the batch, %(needed)s needed") % {
        "left": f"{sheet.coupons_left:,}", "needed": f"{sheet.will_receive:,}"
    }  # fmt: skip
    yield Check(Weight.PASSED, _("Coupons"), left)


def _clock(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    assert sheet.first_at is not None and sheet.last_wave_at is not None
    if sheet.first_at >= sheet.given_up_at:
        yield Check(Weight.BLOCKS, _("It would be given up before the first hour at which it may leave."), fix="edit")
    elif sheet.last_wave_at >= sheet.given_up_at:
        yield Check(Weight.BLOCKS, _("The last wave would begin after the campaign is given up."), fix="edit")
    elif sheet.last_at is not None and sheet.last_at >= sheet.given_up_at:
        sentence = _("It takes longer than the campaign is valid: the last messages would be given up.")
        yield Check(Weight.WARNS, sentence, fix="edit")


def _channels(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    channels = [one for one in open_channels() if not one.tiers or campaign.template_version.tier in one.tiers]
    if not channels:
        yield Check(Weight.BLOCKS, _("No channel is open."), fix="channels")
        return
    yield Check(Weight.PASSED, _("Channels"), _("can carry it: ") + "、".join(one.name for one in channels))
    balances = [one.balance for one in channels]
    known = sum(one for one in balances if one is not None)
    if None in balances:
        return
    if known < sheet.cost:
        sentence = _("The channels' balance of %(known)s yuan is less than it costs.") % {"known": format_cost(known)}
        yield Check(Weight.WARNS, sentence, fix="channels")
    else:
        yield Check(Weight.PASSED, _("Balance"), _("%(known)s yuan, enough") % {"known": format_cost(known)})


def _wording(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    found = findings(body=campaign.template_version.body)
    if found:
        words = "、".join(dict.fromkeys(one.word for one in found))
        yield Check(Weight.WARNS, _("The text has risky words."), words, fix="text")
    else:
        yield Check(Weight.PASSED, _("Wording"), _("no risky words"))


def _length(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    """Where most texts fit into fewer parts, the longer ones are worth a look."""
    if len(sheet.by_parts) < 2:
        return
    fewest, price = min(sheet.by_parts), sheet.cost // sheet.part_count
    longer = {parts: count for parts, count in sheet.by_parts.items() if parts > fewest}
    extra = sum((parts - fewest) * count for parts, count in longer.items()) * price
    sentence = ngettext_lazy(
        "%(count)s person gets more parts than the others.", "%(count)s people get more parts than the others.",
        sum(longer.values()),
    )  # fmt: skip
    detail = _("That costs %(extra)s yuan more. Their names are longer.") % {"extra": format_cost(extra)}
    yield Check(Weight.WARNS, sentence % {"count": f"{sum(longer.values()):,}"}, detail, fix="text")


def _caps(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    if sheet.held_count:
        sentence = _("%(count)s people have reached a cap and get it later, or not at all when it is given up.")
        detail = " · ".join(f"{label} {count:,}" for _code, label, count in sheet.held)
        yield Check(Weight.WARNS, sentence % {"count": f"{sheet.held_count:,}"}, detail, fix="edit")


def _neighbours(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    if not sheet.neighbours:
        return
    sentence = _("%(campaigns)s other campaigns within 24 hours write to some of the same people: %(people)s times.")
    words = {"campaigns": len(sheet.neighbours), "people": f"{sum(one.people for one in sheet.neighbours):,}"}
    detail = " · ".join(f"{one.name} {one.people:,}" for one in sheet.neighbours)
    yield Check(Weight.WARNS, sentence % words, detail)


def _days(campaign: Campaign, sheet: Preflight) -> Iterator[Check]:
    if campaign.day_rule != DayRule.ANY:
        reach = (sheet.planned_at, sheet.given_up_at)
        for year in sorted({day_of(instant).year for instant in reach}):
            if not is_year_confirmed(year=year):
                unconfirmed = _("The holidays of %(year)s are not confirmed yet.")
                yield Check(Weight.WARNS, unconfirmed % {"year": year})
    if campaign.repeat == Repeat.DAILY and settings.SAME_TEXT_HOURS > 24:
        sentence = _("Nobody gets the same text twice within %(hours)s hours, so not everybody gets it every day.")
        yield Check(Weight.WARNS, sentence % {"hours": settings.SAME_TEXT_HOURS})
    if sheet.first_at is not None and day_of(sheet.first_at) == day_of(sheet.at):
        yield Check(Weight.PASSED, _("Days"), _("no blackout day"))
