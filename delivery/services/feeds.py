"""What other systems are told of messages: what became of the notices that they asked for."""

from typing import Any

from delivery.models import Dispatch, MessageNews
from delivery.rules.reference import reference_of
from foundation.services.ledgers import Ledger
from foundation.services.webhooks import Feed

# Not sealed: the ledger of messages says the same for longer.
NEWS = Ledger(name="message_news", table="delivery_messagenews", at="at", layouts=())


def _changed(after: int, until: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    rows = list(MessageNews.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")[:limit])
    sources = dict(Dispatch.objects.filter(pk__in={one.dispatch_id for one in rows}).values_list("pk", "source"))
    return [
        (one.pk, {
            "id": reference_of(one.month, one.message_id), "state": one.state, "reason": one.reason,
            "idempotency_key": sources.get(one.dispatch_id, "").rpartition(":")[2], "at": one.at.isoformat(),
        })
        for one in rows
    ]  # fmt: skip


STATE_CHANGED = Feed("message.state_changed", NEWS, _changed)
