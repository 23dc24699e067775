"""How the messages of each tier are divided among the channels, by the rules by which the pump chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.models import Channel, Route, RoutePolicy
from delivery.queries.channels import Usable, delivered_percents
from delivery.rules.routing import LOT_CARRIERS, first_choices, in_order, percents

Percents = tuple[tuple[Channel, int], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """
    Who is asked first for the messages of a tier to some carriers' numbers: whole percents, the largest first.

    `fallbacks` are asked when those have no room, in this order. Nobody at all: the messages wait.
    """

    carriers: tuple[str, ...]
    percents: Percents
    fallbacks: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Router:
    """The policies of the tiers and the quality of the channels, as they are now."""

    policies: Mapping[str, str]
    quality: Mapping[int, int]

    def policy_of(self, tier: str) -> str:
        """How a tier chooses."""
        return self.policies.get(tier, RoutePolicy.WEIGHTS)

    def splits(self, tier: str, *, among: Sequence[Usable]) -> list[Split]:
        """How a tier is divided among channels; carriers that are divided alike are told together."""
        alike: dict[tuple[Percents, tuple[Channel, ...]], list[str]] = {}
        for carrier in LOT_CARRIERS:
            alike.setdefault(self._divided(tier, carrier, among), []).append(carrier)
        return [Split(tuple(carriers), *divided) for divided, carriers in alike.items()]

    def _divided(self, tier: str, carrier: str, among: Sequence[Usable]) -> tuple[Percents, tuple[Channel, ...]]:
        by_id = {one.channel.pk: one for one in among if one.takes(tier=tier, carrier=carrier)}
        ways, policy = [one.way(self.quality) for one in by_id.values()], self.policy_of(tier)
        shares = percents(first_choices(ways, policy=policy))
        ranked = sorted(shares, key=lambda channel_id: -shares[channel_id])
        later = [one for one in in_order(ways, policy=policy, point=0) if one not in shares]
        return (
            tuple((by_id[one].channel, shares[one]) for one in ranked),
            tuple(by_id[one].channel for one in later),
        )


def router(*, now: datetime) -> Router:
    """The router as it chooses now."""
    policies = dict(Route.objects.values_list("tier", "policy"))
    needs_quality = RoutePolicy.QUALITY in policies.values()
    return Router(policies, delivered_percents(now=now) if needs_quality else {})
