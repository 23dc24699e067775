"""What campaigns had to do with one person: the names behind messages, and where the person was left out."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.models import Run, RunAudience
from campaigns.queries.audience import EXCLUSIONS

RUN_SOURCE = "campaign_run:"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A run that picked the person and left them out before any message was written."""

    campaign: str
    reason: Any
    at: datetime


def campaign_names(*, sources: Iterable[str]) -> dict[str, str]:
    """The campaign behind each source of a dispatch or coupon that is a run's."""
    ids = {one.removeprefix(RUN_SOURCE) for one in sources if one.startswith(RUN_SOURCE)}
    rows = Run.objects.filter(pk__in=[int(one) for one in ids if one.isdecimal()])
    return {f"{RUN_SOURCE}{pk}": name for pk, name in rows.values_list("pk", "campaign__name")}


def left_out_of(*, member_ids: Collection[int], since: datetime) -> list[LeftOut]:
    """The runs since an instant that left these members out, newest first."""
    recent = Run.objects.filter(occurrence_at__gte=since).values("pk")
    rows = RunAudience.objects.filter(run__in=recent, member_id__in=member_ids).exclude(exclusion="")
    found = rows.select_related("run__campaign").order_by("-run__occurrence_at")
    return [LeftOut(one.run.campaign.name, EXCLUSIONS[one.exclusion], one.run.occurrence_at) for one in found]
