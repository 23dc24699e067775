"""Lists of this room that have no page in the admin, as files."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Run
from foundation.models import Operator
from foundation.services.export_lists import Column, ExportList, all_of, facts

VIEW = ("campaigns.view_campaign",)


def _campaigns(by: Operator, query: str, now: datetime) -> QuerySet[Any]:
    """All campaigns, as their page has them: by next or only occurrence, the latest first."""
    rows = Campaign.objects.select_related("author", "approved_by", "segment", "template_version__template")
    return rows.order_by(Coalesce("next_at", "scheduled_at").desc(), "-id")


CAMPAIGNS = ExportList(
    "campaigns", _("Campaigns"), VIEW,
    (
        *facts(Campaign, "name", "state", "segment"),
        Column(_("template"), lambda row: row.template_version.template.name),
        *facts(Campaign, "repeat", "scheduled_at", "next_at", "author", "approved_by", "approved_at", "changed_at"),
    ),
    _campaigns,
)  # fmt: skip
RUNS = ExportList(
    "runs", _("Runs"), ("campaigns.view_run",),
    (
        Column(_("campaign"), lambda row: row.campaign.name),
        *facts(Run, "occurrence_at", "state", "fired_at", "finished_at", "matched_count", "planned_count", "reason"),
    ),
    all_of(Run, "-occurrence_at", "-id", related=("campaign",)),
)  # fmt: skip
