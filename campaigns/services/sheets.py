"""Sheets as they stood at submission, and what a run made of them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.models import Run, Sheet, SheetLine
from campaigns.queries import JUDGED, Preflight
from foundation.db import execute, fetch_all, load_sql


def keep_sheet(*, sheet: Preflight, now: datetime) -> Sheet:
    """Write down a sheet with everybody's place on it. Needs the block of `judged_audience` it was made in."""
    kept = Sheet.objects.create(made_at=now, facts=facts_of(sheet))
    execute(
        "INSERT INTO campaigns_sheetline (sheet_id, exclusion, member_ids)"
        f" SELECT %(sheet_id)s, exclusion, array_agg(member_id ORDER BY member_id) FROM {JUDGED} GROUP BY exclusion",
        {"sheet_id": kept.pk},
    )
    return kept


def facts_of(sheet: Preflight) -> dict[str, Any]:
    """The numbers of a sheet as they are kept: counts, cost in 1/10000 yuan, instants in ISO form."""
    return {
        "matched": sheet.matched, "will_receive": sheet.will_receive, "part_count": sheet.part_count,
        "cost": sheet.cost, "exclusions": {code: count for code, _label, count in sheet.exclusions},
        "planned_at": sheet.planned_at.isoformat(),
        "first_at": sheet.first_at.isoformat() if sheet.first_at else None,
        "last_at": sheet.last_at.isoformat() if sheet.last_at else None,
    }  # fmt: skip


def drop_unused(*, sheet_id: int) -> None:
    """Forget a sheet that neither a campaign nor a run speaks of any more. Needs an open transaction."""
    Sheet.objects.filter(pk=sheet_id, campaigns__isnull=True, runs__isnull=True).delete()


@transaction.atomic
def note_changes(*, run_id: int) -> None:
    """Count who stands elsewhere in a run's audience than on its sheet; a repeat changes nothing."""
    run = Run.objects.get(pk=run_id)
    if run.changes is not None or run.sheet_id is None:
        return
    if not SheetLine.objects.filter(sheet_id=run.sheet_id).exists():
        return  # dropped with age: nobody knows any more
    facts = {"sheet_id": run.sheet_id, "run_id": run_id}
    changes = [list(row) for row in fetch_all(load_sql("campaigns", "sheet_changes"), facts)]
    Run.objects.filter(pk=run_id, changes__isnull=True).update(changes=changes)
