"""Which channels can carry a text, and why the others can't."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.templatetags.figures import clock_of
from delivery.models import CARRIERS, Channel, ChannelState, Circuit
from delivery.queries.reasons import ailment_word
from delivery.rules.window import DAY_MINUTES
from foundation.money import format_cost, format_price
from templates_sms.models import Tier
from templates_sms.rules.parts import MAX_UNITS

CARRIER_WORDS = {str(code): word for code, word in CARRIERS}


@dataclass(frozen=True)
class Carrying:
    """One channel's answer. `tone`: ok, warn, bad."""

    channel: Channel
    tone: str
    answer: str
    why: list[str]


def carrying(*, tier: str, units: int, cost: int) -> list[Carrying]:
    """What each channel makes of a text of a tier, `units` long at most, that costs `cost` (1/10000 yuan) in all."""
    return [_answer(one, tier=tier, units=units, cost=cost) for one in Channel.objects.order_by("id")]


def _answer(channel: Channel, *, tier: str, units: int, cost: int) -> Carrying:
    facts = [_("%(price)s yuan a part") % {"price": format_price(channel.price)}, *_limits(channel)]
    if refusal := _refusal(channel, tier=tier, units=units):
        return Carrying(channel, "bad", _("can't"), [refusal])
    if channel.circuit == Circuit.OPEN:
        return Carrying(channel, "warn", _("can, is broken now"), [ailment_word(channel.broken_reason), *facts])
    if channel.balance is not None and channel.balance < cost:
        left = _("balance %(yuan)s yuan, enough for %(parts)s parts") % {
            "yuan": format_cost(channel.balance), "parts": f"{channel.balance // max(channel.price, 1):,}",
        }  # fmt: skip
        return Carrying(channel, "warn", _("can, but the balance is short"), [left, *facts])
    return Carrying(channel, "ok", _("can"), facts)


def _refusal(channel: Channel, *, tier: str, units: int) -> str:
    if channel.state == ChannelState.DISABLED:
        return _("is switched off")
    if channel.state == ChannelState.DRAINED:
        return _("is drained: takes nothing new")
    if channel.tiers and tier not in channel.tiers:
        return _("does not carry the tier “%(tier)s”") % {"tier": Tier(tier).label}
    if units > MAX_UNITS:
        return _("takes %(most)s characters at most") % {"most": MAX_UNITS}
    return ""


def _limits(channel: Channel) -> list[str]:
    found = []
    if channel.carriers:
        names = _(", ").join(str(CARRIER_WORDS[one]) for one in channel.carriers)
        found.append(_("only %(carriers)s") % {"carriers": names})
    if (channel.opens_at_minute, channel.closes_at_minute) != (0, DAY_MINUTES):
        hours = {"from": clock_of(channel.opens_at_minute), "until": clock_of(channel.closes_at_minute)}
        found.append(_("only %(from)s–%(until)s") % hours)
    if channel.daily_quota is not None:
        found.append(_("%(quota)s parts a day at most") % {"quota": f"{channel.daily_quota:,}"})
    return found
