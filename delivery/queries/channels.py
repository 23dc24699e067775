"""What the open channels can do together."""

from delivery.models import Channel, ChannelState


def open_channels() -> list[Channel]:
    """Channels that carry messages now."""
    return list(Channel.objects.filter(state=ChannelState.OPEN).order_by("id"))


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
