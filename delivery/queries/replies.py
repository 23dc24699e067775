"""Replies as staff read them."""

from dataclasses import dataclass

from django.db.models import QuerySet

from delivery.models import Dispatch, Message, Reply, ReplyState

NEIGHBOURS = 30


def inbox() -> QuerySet[Reply]:
    """Replies that somebody has to read, the oldest first."""
    return Reply.objects.filter(state=ReplyState.INBOX).select_related("assigned_to").order_by("id")


def ended() -> QuerySet[Reply]:
    """Replies that are done, answered by rule or were opt-outs, the newest first."""
    return Reply.objects.exclude(state=ReplyState.INBOX).select_related("assigned_to").order_by("-id")


@dataclass(frozen=True)
class Conversation:
    """What went between one phone and us around a reply, the newest first; `asked_by` is the last thing we sent."""

    replies: list[Reply]
    messages: list[Message]
    asked_by: Dispatch | None


def conversation(*, reply: Reply) -> Conversation:
    """The last messages to and from the phone of a reply."""
    replies = Reply.objects.filter(phone_hash=reply.phone_hash).prefetch_related("answers__by").order_by("-id")
    sent = Message.objects.filter(phone_hash=reply.phone_hash, submitted_at__isnull=False).order_by("-id")
    messages = list(sent[:NEIGHBOURS])
    before = next((one for one in messages if one.submitted_at and one.submitted_at <= reply.received_at), None)
    asked_by = Dispatch.objects.filter(pk=before.dispatch_id).first() if before is not None else None
    return Conversation(list(replies[:NEIGHBOURS]), messages, asked_by)
