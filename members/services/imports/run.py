"""
The import itself: chunk by chunk, with a report and an error file.

Each chunk is one transaction together with the job's progress, so a killed import goes on with the
next row, and a repeated one changes nothing.
"""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from foundation.models import Job
from foundation.services import jobs
from members.models import ImportFile, ImportKind, Member
from members.services.imports import chunk as chunks
from members.services.imports import errors, samples
from members.services.imports.kinds import ImportSpec, kind_of, spec_of
from members.services.imports.reading import Layout, count_lines, in_chunks, read_head, read_rows, with_columns
from members.services.rollup import roll_up

CHUNK_ROWS = 10_000


def run_job(*, job: Job, now: datetime) -> dict[str, Any]:
    """The runner of kind members.import."""
    imported = ImportFile.objects.get(job=job)
    path = Path(imported.path)
    layout = with_columns(read_head(path, imported.encoding), kind_of(imported.kind), imported.columns or None)
    spec = spec_of(imported.kind)
    total = max(count_lines(path), job.total_count)
    settings.IMPORT_DIR.mkdir(parents=True, exist_ok=True)
    error_path = Path(settings.IMPORT_DIR) / f"{imported.pk}-refused.csv"
    known = int(job.report.get("error_bytes", 0)) if job.done_count else 0
    error_bytes = errors.reopen(error_path, layout.header, known)
    for rows in in_chunks(read_rows(path, layout, skip=job.done_count), CHUNK_ROWS, layout.columns[spec.key]):
        error_bytes = _import_chunk(imported, job, spec, layout, rows, total, error_path, error_bytes, now=now)
    imported.refresh_from_db()
    jobs.report_progress(job=job, done_count=imported.read_count, total_count=imported.read_count, report=job.report)
    _finish(imported, now=now)
    return report_of(imported)


def _finish(imported: ImportFile, *, now: datetime) -> None:
    if imported.is_dry_run and imported.kind == ImportKind.MEMBERS:
        imported.notes["members"] = Member.objects.count()
        imported.save(update_fields=["notes"])
    if not imported.is_dry_run and imported.kind != ImportKind.STORES:
        roll_up(now=now)


def report_of(imported: ImportFile) -> dict[str, Any]:
    """The figures of an import, for pages and commands."""
    return {
        "read": imported.read_count, "new": imported.new_count, "changed": imported.changed_count,
        "same": imported.same_count, "refused": imported.refused_count, "error_file": imported.error_path,
        "dry_run": imported.is_dry_run,
    }  # fmt: skip


@transaction.atomic
def _import_chunk(
    imported: ImportFile, job: Job, spec: ImportSpec, layout: Layout, rows: list[list[str]], total: int,
    error_path: Path, error_bytes: int, *, now: datetime,
) -> int:  # fmt: skip
    """Write one chunk, its errors and the progress; returns the length of the error file."""
    wants = imported.is_dry_run and samples.wants_more(imported)
    tally = chunks.write(imported, spec, layout, rows, now=now, with_samples=wants)
    lines = errors.lines_of(rows, tally.refused, layout.columns[spec.key])
    if len(imported.samples.get("REFUSED", [])) < samples.SAMPLE_ROWS or wants:
        samples.add(imported, layout, rows, tally, first_line=job.done_count + 2)
    imported.reasons = dict(Counter(imported.reasons) + Counter(tally.refused.values()))
    imported.notes = dict(Counter(imported.notes) + Counter(tally.notes))
    ImportFile.objects.filter(pk=imported.pk).update(
        new_count=F("new_count") + tally.new,
        changed_count=F("changed_count") + tally.changed,
        same_count=F("same_count") + tally.same,
        refused_count=F("refused_count") + len(tally.refused),
        error_path=str(error_path) if tally.refused else F("error_path"),
        reasons=imported.reasons, samples=imported.samples, notes=imported.notes,
    )  # fmt: skip
    error_end = error_bytes + len(lines)
    jobs.report_progress(
        job=job, done_count=job.done_count + len(rows), total_count=total, report={"error_bytes": error_end}
    )
    # Behind the progress, whose row lock keeps a worker that lost the job away from the file.
    errors.write_at(error_path, lines, error_bytes)
    return error_end
