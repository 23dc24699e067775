"""Where providers tell receipts and replies. The long random token in the address is the key."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from delivery.models import Channel, NoteKind
from delivery.port import Malformed, ReceiptNote, ReplyNote, Unread
from delivery.registry import adapter_for
from delivery.services.receipts import store_receipts
from delivery.services.replies import receive_replies
from delivery.services.unread import keep_unread
from foundation import clock

Note = TypeVar("Note", ReceiptNote, ReplyNote)

MAX_NOTES = 1_000


def _receive(request: HttpRequest, token: str, take: Callable[[Channel, bytes], int]) -> JsonResponse:
    channel = Channel.objects.filter(webhook_token=token).first()
    if channel is None:
        return JsonResponse({"code": "NOT_FOUND", "detail": "Unknown address."}, status=404)
    try:
        count = take(channel, request.body)
    except Malformed as broken:
        return JsonResponse({"code": "MALFORMED", "detail": str(broken)}, status=400)
    return JsonResponse({"received": count})


def _bounded(told: Sequence[Note | Unread]) -> Sequence[Note | Unread]:
    if len(told) > MAX_NOTES:
        raise Malformed(f"At most {MAX_NOTES} notes a call.")
    return told


@transaction.atomic
def _receipts(channel: Channel, body: bytes) -> int:
    told, now = _bounded(adapter_for(channel).receipts(body)), clock.now()
    notes = [one for one in told if not isinstance(one, Unread)]
    unread = [one for one in told if isinstance(one, Unread)]
    keep_unread(channel=channel, kind=NoteKind.RECEIPT, rows=unread, now=now)
    store_receipts(channel=channel, notes=notes, now=now)
    return len(notes)


@transaction.atomic
def _replies(channel: Channel, body: bytes) -> int:
    told, now = _bounded(adapter_for(channel).replies(body)), clock.now()
    notes = [one for one in told if not isinstance(one, Unread)]
    unread = [one for one in told if isinstance(one, Unread)]
    keep_unread(channel=channel, kind=NoteKind.REPLY, rows=unread, now=now)
    return receive_replies(channel=channel, notes=notes, now=now)


@csrf_exempt
@require_POST
def receipts(request: HttpRequest, token: str) -> JsonResponse:
    """Keep a batch of receipts and answer at once."""
    return _receive(request, token, _receipts)


@csrf_exempt
@require_POST
def replies(request: HttpRequest, token: str) -> JsonResponse:
    """Keep a batch of replies; opt-outs act before the answer."""
    return _receive(request, token, _replies)
