"""Rows of the delivery room."""

from delivery.models.channel import Channel, ChannelState
from delivery.models.inbox import Click, Link, Receipt, Reply, ReplyState
from delivery.models.message import (
    Attempt,
    CapPolicy,
    Dispatch,
    DispatchState,
    Handoff,
    HandoffState,
    Message,
    MessageState,
    Ready,
    VendorRef,
)
from delivery.models.tally import CapEntry, Heartbeat, Tally, TallyDelta

__all__ = [
    "Attempt",
    "CapEntry",
    "CapPolicy",
    "Channel",
    "ChannelState",
    "Click",
    "Dispatch",
    "DispatchState",
    "Handoff",
    "HandoffState",
    "Heartbeat",
    "Link",
    "Message",
    "MessageState",
    "Ready",
    "Receipt",
    "Reply",
    "ReplyState",
    "Tally",
    "TallyDelta",
    "VendorRef",
]
