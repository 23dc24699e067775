"""Giving back the slots that messages hold against the caps of their phones."""

from collections.abc import Sequence

from delivery.models import CapEntry


def give_back_slots(*, message_ids: Sequence[int]) -> None:
    """Free the cap slots of messages that provably reached nobody. A repeat changes nothing."""
    if message_ids:
        CapEntry.objects.filter(message_id__in=message_ids).delete()
