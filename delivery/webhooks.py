"""Where providers tell receipts and replies. The long random token in the address is the key."""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from delivery.models import Channel
from delivery.port import Malformed
from delivery.registry import adapter_for
from delivery.services.receipts import store_receipts
from delivery.services.replies import receive_replies
from foundation import clock

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


def _receipts(channel: Channel, body: bytes) -> int:
    notes = adapter_for(channel).receipts(body)
    if len(notes) > MAX_NOTES:
        raise Malformed(f"At most {MAX_NOTES} receipts a call.")
    store_receipts(channel=channel, notes=notes, now=clock.now())
    return len(notes)


def _replies(channel: Channel, body: bytes) -> int:
    notes = adapter_for(channel).replies(body)
    if len(notes) > MAX_NOTES:
        raise Malformed(f"At most {MAX_NOTES} replies a call.")
    return receive_replies(channel=channel, notes=notes, now=clock.now())


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
