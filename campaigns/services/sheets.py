"""Sheets as they stood at submission, and what a run made of them."""

import json
from dataclasses import asdict
from datetime import datetime
from time import perf_counter
from typing import Any

from django.db import transaction

from campaigns.models import Campaign, Run, Sheet, SheetLine
from campaigns.queries import JUDGED, Look, Preflight, content_of, kept_look, preflight
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
    facts = asdict(sheet)
    for name in ("exclusions", "held"):
        facts[name] = {code: count for code, _label, count in facts[name]}
    facts["neighbours"] = list(facts["neighbours"])
    kept: dict[str, Any] = json.loads(json.dumps(facts, default=datetime.isoformat))
    return kept


def look_at(*, campaign: Campaign, now: datetime) -> Look:
    """The look that is kept of a campaign's sheet, or a new one when it has changed since; whatever its age."""
    return kept_look(campaign=campaign) or look_anew(campaign=campaign, now=now)


def look_anew(*, campaign: Campaign, now: datetime) -> Look:
    """Make a campaign's sheet and keep it as its look. Who comes second at the same moment replaces the first."""
    started = perf_counter()
    sheet = preflight(campaign=campaign, now=now)
    look = Look(sheet, now, round((perf_counter() - started) * 1000))
    facts = facts_of(sheet) | {"content": content_of(campaign), "milliseconds": look.milliseconds}
    with transaction.atomic():
        old = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).look_id
        Campaign.objects.filter(pk=campaign.pk).update(look=Sheet.objects.create(made_at=now, facts=facts))
        if old is not None:
            drop_unused(sheet_id=old)
    return look


def drop_unused(*, sheet_id: int) -> None:
    """Forget a sheet that neither a campaign nor a run speaks of any more. Needs an open transaction."""
    unused = Sheet.objects.filter(pk=sheet_id, campaigns__isnull=True, looked_at_by__isnull=True, runs__isnull=True)
    unused.delete()


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
