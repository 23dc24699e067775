"""What other systems are told of members: who wants no more marketing, and who does again."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from foundation.services.webhooks import Feed
from members.models import ConsentEvent, Member
from members.services.ledgers import CONSENTS


def _changed(after: int, until: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    rows = list(ConsentEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")[:limit])
    cards: dict[UUID, list[str]] = defaultdict(list)
    holders = Member.objects.present().filter(phone_hash__in={one.phone_hash for one in rows}).order_by("card_no")
    for phone_hash, card_no in holders.values_list("phone_hash", "card_no"):
        if phone_hash is not None:
            cards[phone_hash].append(card_no)
    return [
        (one.pk, {
            "consent": one.consent, "source": one.source, "card_nos": cards[one.phone_hash],
            "changed_at": one.at.isoformat(),
        })
        for one in rows
    ]  # fmt: skip


CONSENT_CHANGED = Feed("member.consent_changed", CONSENTS, _changed)
