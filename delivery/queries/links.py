"""Clicks on short links, counted."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from delivery.models import Click


@dataclass(frozen=True, slots=True)
class Clicks:
    """Hits on a link: people's clicks, machines' previews, repeats of the same visitor within seconds."""

    human: int = 0
    preview: int = 0
    repeat: int = 0


def clicks_of(*, link_ids: Iterable[int]) -> dict[int, Clicks]:
    """By link."""
    human = Q(is_preview=False, is_repeat=False)
    rows = Click.objects.filter(link_id__in=list(link_ids)).values("link_id").annotate(
        human=Count("pk", filter=human), preview=Count("pk", filter=Q(is_preview=True)),
        repeat=Count("pk", filter=Q(is_preview=False, is_repeat=True)),
    )  # fmt: skip
    return {row["link_id"]: Clicks(row["human"], row["preview"], row["repeat"]) for row in rows}
