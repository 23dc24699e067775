"""What channels can do, and how they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from delivery.models import Channel, ChannelDay, ChannelState, Circuit
from delivery.rules.health import ROLLING, Pulse, Standing, share
from delivery.rules.routing import Way
from delivery.rules.window import day_of, minute_of_day
from foundation.db import fetch_all

LONGEST_PARTS = 10  # no text is longer; what is left of a quota must hold one whole message


def open_channels() -> list[Channel]:
    """Channels that may carry messages now."""
    open_now = Channel.objects.filter(state=ChannelState.OPEN).exclude(circuit=Circuit.OPEN)
    return list(open_now.order_by("id"))


def total_speed() -> int:
    """Parts per second of all open channels."""
    return sum(one.parts_per_second for one in open_channels())


def price_of_part() -> int:
    """What a part will cost on average, by the weights of the open channels: 1/10000 yuan, rounded up."""
    channels = open_channels()
    weights = sum(one.weight for one in channels)
    return -(-sum(one.weight * one.price for one in channels) // weights) if weights else 0


def widest_opt_out_words() -> str:
    """The longest opt-out words an open channel may add: the worst case for counting parts."""
    return max((one.opt_out_words for one in open_channels()), key=len, default="")


def standing_of(channel: Channel) -> Standing:
    """The circuit of a channel as the rules take it."""
    return Standing(channel.circuit, channel.circuit_since)


PULSES = """
SELECT channel_id, sum(accepted_count)::bigint, sum(failed_count)::bigint, sum(unsure_count)::bigint,
       sum(delivered_count)::bigint, sum(undelivered_count)::bigint, sum(delay_seconds)::bigint,
       count(*) FILTER (WHERE accepted_count + failed_count + unsure_count > 0), sum(part_count)::bigint
FROM delivery_channelpulse WHERE at > %(since)s GROUP BY channel_id
"""


def pulses(*, since: datetime) -> dict[int, Pulse]:
    """What each channel did since an instant."""
    return {row[0]: Pulse(*row[1:]) for row in fetch_all(PULSES, {"since": since})}


@dataclass(frozen=True, slots=True)
class Usable:
    """A channel that may carry something now. `percent` is its circuit's share, `quota_left` parts of today."""

    channel: Channel
    percent: int
    quota_left: int | None

    def takes(self, *, tier: str, carrier: str) -> bool:
        """Whether it serves a tier and a carrier."""
        one = self.channel
        return (not one.tiers or tier in one.tiers) and (not one.carriers or carrier in one.carriers)

    def way(self, quality: Mapping[int, int]) -> Way:
        """As the routing takes it; `quality` is percent delivered by channel, 100 where nothing is known."""
        one = self.channel
        return Way(one.pk, one.weight * self.percent, one.price, quality.get(one.pk, 100))


def usable(*, now: datetime) -> list[Usable]:
    """Channels that staff, provider, sending hours and quota let carry messages now."""
    return usable_among(open_channels(), now=now)


def usable_among(channels: Iterable[Channel], *, now: datetime) -> list[Usable]:
    """Those of open channels that sending hours and quota let carry messages now."""
    minute = minute_of_day(now)
    channels = [one for one in channels if one.opens_at_minute <= minute < one.closes_at_minute]
    used = _used_today([one.pk for one in channels if one.daily_quota is not None], now=now)
    found = [
        Usable(
            one, share(standing_of(one), now=now),
            None if one.daily_quota is None else one.daily_quota - used.get(one.pk, 0),
        )
        for one in channels
    ]  # fmt: skip
    return [one for one in found if one.quota_left is None or one.quota_left >= LONGEST_PARTS]


def _used_today(channel_ids: Iterable[int], *, now: datetime) -> dict[int, int]:
    ids = list(channel_ids)
    if not ids:
        return {}
    rows = ChannelDay.objects.filter(channel_id__in=ids, day=day_of(now))
    return dict(rows.values_list("channel_id", "part_count"))


def delivered_percents(*, now: datetime) -> dict[int, int]:
    """Percent delivered of each channel's receipts in the last ten minutes."""
    return {channel_id: pulse.delivered_percent for channel_id, pulse in pulses(since=now - ROLLING).items()}
