"""How each tier is divided among the channels now, and how it would be after a press on a button."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.models import CARRIERS, Channel, ChannelState, Circuit, RoutePolicy
from delivery.queries.channel_use import use_of_channels
from delivery.queries.channels import Usable, usable, usable_among
from delivery.queries.shares import Router, Split, router
from delivery.rules.routing import LOT_CARRIERS
from templates_sms.models import Tier

LOOKS = ("f1", "f2", "f3", "f4")


@dataclass(frozen=True, slots=True)
class Piece:
    """One channel's part of a bar: where it begins and how long it is, in percent."""

    look: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Bar:
    """What goes to some carriers: the bar, the same in words, and who steps in."""

    carriers: str
    pieces: list[Piece]
    words: str
    fallbacks: str


def shares_of(*, now: datetime) -> list[tuple[str, Any, list[Bar]]]:
    """Tiers with their policy and their bars, those divided alike together; one bar when all carriers are alike."""
    route, among = router(now=now), usable(now=now)
    looks = {one.channel.pk: LOOKS[number % len(LOOKS)] for number, one in enumerate(among)}
    alike: dict[tuple[str, tuple[Split, ...]], list[str]] = {}
    for tier, label in Tier.choices:
        key = route.policy_of(tier), tuple(route.splits(tier, among=among))
        alike.setdefault(key, []).append(str(label))
    return [
        (_(", ").join(labels), RoutePolicy(policy).label, [_bar(split, looks) for split in splits])
        for (policy, splits), labels in alike.items()
    ]


def _bar(split: Split, looks: dict[int, str]) -> Bar:
    pieces, x = [], 0
    for channel, percent in split.percents:
        pieces.append(Piece(looks[channel.pk], x, percent))
        x += percent
    return Bar(carriers_of(split), pieces, divided(split), _(", ").join(one.name for one in split.fallbacks))


def carriers_of(split: Split) -> str:
    """The carriers of a split; empty for all of them, those that are not in it where that is shorter."""
    names: dict[str, Any] = dict(CARRIERS)
    rest = [str(names[one]) for one in LOT_CARRIERS if one not in split.carriers]
    if not rest:
        return ""
    if len(rest) < len(split.carriers):
        return _("all but %(carriers)s") % {"carriers": _(", ").join(rest)}
    return _(", ").join(str(names[one]) for one in split.carriers)


def divided(split: Split) -> str:
    """Who gets how much, in words."""
    return " · ".join(f"{channel.name} {percent}%" for channel, percent in split.percents)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a press would do: sentences, and what it would leave without a channel."""

    channel: Channel
    act: str
    told: list[str]
    lost: list[str]


def asked(channel: Channel, act: str, *, now: datetime) -> Asked:
    """What follows when `channel` is opened, drained or disabled, or a test is sent through it."""
    if act == "test":
        return Asked(channel, act, [], [])
    among, route = usable(now=now), router(now=now)
    others = [one for one in among if one.channel.pk != channel.pk]
    if act == "open":
        may = [] if channel.circuit == Circuit.OPEN else usable_among([channel], now=now)
        return Asked(channel, act, _opened(channel, route, [*others, *may], bool(may)), [])
    waiting = use_of_channels(now=now).get(channel.pk)
    told = [_waiting(waiting.at_provider)] if waiting is not None and waiting.at_provider else []
    carried = [one for one in among if one.channel.pk == channel.pk]
    lost = _together(_lost(route, carried, others))
    return Asked(
        channel, act, told + _taken_over(route, carried, others), [_what(tiers, split) for split, tiers in lost.items()]
    )


def _waiting(count: int) -> str:
    return ngettext(
        "%(count)s message has been handed over and waits for its receipt; that goes on.",
        "%(count)s messages have been handed over and wait for their receipts; that goes on.",
        count,
    ) % {"count": f"{count:,}"}


def _opened(channel: Channel, route: Router, among: Sequence[Usable], may_carry: bool) -> list[str]:
    if not may_carry:
        return [_("It does not carry at once: its circuit, its sending hours or its quota keep it out for now.")]
    return _going(
        (tier, split)
        for tier, _label in Tier.choices
        for split in route.splits(tier, among=among)
        if channel in [one for one, _percent in split.percents]
    )


def _taken_over(route: Router, carried: Sequence[Usable], others: Sequence[Usable]) -> list[str]:
    """Who carries what the channel carries now."""
    return _going(
        (tier, split)
        for tier, _label in Tier.choices
        for split in route.splits(tier, among=others)
        if split.percents and any(one.takes(tier=tier, carrier=two) for one in carried for two in split.carriers)
    )


def _going(splits: Iterable[tuple[str, Split]]) -> list[str]:
    """A sentence for each way of dividing, with the tiers that are divided so."""
    return [
        _("%(what)s will go to %(shares)s.") % {"what": _what(tiers, split), "shares": divided(split)}
        for split, tiers in _together(splits).items()
    ]


def _together(splits: Iterable[tuple[str, Split]]) -> dict[Split, list[str]]:
    """The tiers that are divided alike."""
    alike: dict[Split, list[str]] = {}
    for tier, split in splits:
        alike.setdefault(split, []).append(tier)
    return alike


def _lost(route: Router, carried: Sequence[Usable], others: Sequence[Usable]) -> Iterator[tuple[str, Split]]:
    """What nobody could carry any more."""
    for tier, _label in Tier.choices:
        for split in route.splits(tier, among=others):
            gone = tuple(one for one in split.carriers if any(way.takes(tier=tier, carrier=one) for way in carried))
            if gone and not split.percents:
                yield tier, Split(gone, (), ())


def _what(tiers: Sequence[str], split: Split) -> str:
    labels, carriers = dict(Tier.choices), carriers_of(split)
    names = _(", ").join(str(labels[one]) for one in tiers)
    return _("%(tier)s to %(carriers)s") % {"tier": names, "carriers": carriers} if carriers else names


ACTS_OF: dict[str, tuple[str, ...]] = {
    ChannelState.OPEN: ("test", "drain", "disable"),
    ChannelState.DRAINED: ("test", "open", "disable"),
    ChannelState.DISABLED: ("open",),
}
