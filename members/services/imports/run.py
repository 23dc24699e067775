"""
The import itself: clean → COPY to staging → one upsert a chunk → report.

Each chunk is one transaction together with the job's progress, so a killed import goes on with the
next row, and a repeated one changes nothing.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.db import execute, fetch_dicts, load_sql
from foundation.errors import DomainError
from foundation.models import Job, Operator
from foundation.services import audit, jobs
from members.models import ImportFile, ImportKind
from members.rules.import_row import REASONS, RowRefused
from members.services.imports.kinds import ImportSpec, kind_of, spec_of
from members.services.imports.reading import Layout, count_lines, in_chunks, read_layout, read_rows
from members.services.rollup import roll_up

CHUNK_ROWS = 10_000
DUPLICATE = "DUPLICATE_IN_FILE"


@dataclass
class Tally:
    """What became of the rows of one chunk. `refused` holds row number in the chunk and reason code."""

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: dict[int, str] = field(default_factory=dict)


@transaction.atomic
def start_import(
    *, kind: str, path: Path, name: str, by: Operator | None, now: datetime, is_dry_run: bool = False,
    is_demo: bool = False,
) -> ImportFile:  # fmt: skip
    """
    Queue the import of a file that lies at `path`; a worker takes it after the commit.

    Raises CannotImport when the file as a whole can't be read, and changes nothing then.
    """
    layout = read_layout(path, kind_of(kind))
    title = _("Dry run of %(name)s") if is_dry_run else _("Import of %(name)s")
    job = jobs.enqueue(kind="members.import", title=title % {"name": name}, params={}, by=by, now=now)
    imported = ImportFile.objects.create(
        job=job, kind=kind, name=name, path=str(path), is_dry_run=is_dry_run, is_demo=is_demo, encoding=layout.encoding
    )
    audit.record(action="import.started", subject=f"members.importfile:{imported.pk}", by=by, now=now, kind=kind)
    return imported


def import_now(
    *, kind: str, path: Path, name: str, by: Operator | None, now: datetime, is_dry_run: bool = False,
    is_demo: bool = False,
) -> ImportFile:  # fmt: skip
    """Import a file in this process; for commands. Raises DomainError when it could not be done."""
    imported = start_import(kind=kind, path=path, name=name, by=by, now=now, is_dry_run=is_dry_run, is_demo=is_demo)
    if jobs.claim_next(now=now, job_id=imported.job_id):
        jobs.run(job_id=imported.job_id, now=now)
    imported.refresh_from_db()
    imported.job.refresh_from_db()
    if imported.job.error:
        raise DomainError(imported.job.error)
    return imported


def run_job(*, job: Job, now: datetime) -> dict[str, Any]:
    """The runner of kind members.import."""
    imported = ImportFile.objects.get(job=job)
    path = Path(imported.path)
    layout = read_layout(path, kind_of(imported.kind))
    spec = spec_of(imported.kind)
    total = max(count_lines(path), job.total_count)
    settings.IMPORT_DIR.mkdir(parents=True, exist_ok=True)
    error_path = Path(settings.IMPORT_DIR) / f"{imported.pk}-refused.csv"
    error_bytes = _reopen_errors(error_path, layout, job)
    for chunk in in_chunks(read_rows(path, layout, skip=job.done_count), CHUNK_ROWS, layout.columns[spec.key]):
        error_bytes = _import_chunk(imported, job, spec, layout, chunk, total, error_path, error_bytes, now=now)
    imported.refresh_from_db()
    jobs.report_progress(job=job, done_count=imported.read_count, total_count=imported.read_count, report=job.report)
    if not imported.is_dry_run and imported.kind in (ImportKind.ORDERS, ImportKind.ORDER_LINES, ImportKind.MEMBERS):
        roll_up(now=now)
    return report_of(imported)


def report_of(imported: ImportFile) -> dict[str, Any]:
    """The figures of an import, for pages and commands."""
    return {
        "read": imported.read_count, "new": imported.new_count, "changed": imported.changed_count,
        "same": imported.same_count, "refused": imported.refused_count, "error_file": imported.error_path,
        "dry_run": imported.is_dry_run,
    }  # fmt: skip


@transaction.atomic
def _import_chunk(
    imported: ImportFile, job: Job, spec: ImportSpec, layout: Layout, chunk: list[list[str]], total: int,
    error_path: Path, error_bytes: int, *, now: datetime,
) -> int:  # fmt: skip
    """Write one chunk, its errors and the progress; returns the length of the error file."""
    tally = _write(imported, spec, layout, chunk, now=now)
    errors = _error_lines(chunk, tally.refused)
    ImportFile.objects.filter(pk=imported.pk).update(
        new_count=F("new_count") + tally.new,
        changed_count=F("changed_count") + tally.changed,
        same_count=F("same_count") + tally.same,
        refused_count=F("refused_count") + len(tally.refused),
        error_path=str(error_path) if tally.refused else F("error_path"),
    )
    error_end = error_bytes + len(errors)
    jobs.report_progress(
        job=job, done_count=job.done_count + len(chunk), total_count=total, report={"error_bytes": error_end}
    )
    # Behind the progress, whose row lock keeps a worker that lost the job away from the file.
    _write_errors(error_path, errors, error_bytes)
    return error_end


def _write(imported: ImportFile, spec: ImportSpec, layout: Layout, chunk: list[list[str]], *, now: datetime) -> Tally:
    tally = Tally()
    rows = _cleaned(spec, layout, chunk, tally)
    # Sealed before the COPY: the first seal of a process asks the database about its key.
    staged = [(line, *spec.stage(row)) for line, row in rows.items()]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE staging (line integer, {spec.staging}) ON COMMIT DROP")
        with cursor.copy("COPY staging FROM STDIN") as copy:
            for values in staged:
                copy.write_row(values)
    point = transaction.savepoint()
    params = {"now": now, "is_demo": imported.is_demo, "proof": f"import:{imported.pk}"}
    for outcome in fetch_dicts(load_sql("members", spec.statement), params):
        _count(tally, outcome["outcome"], outcome["line"], outcome["row_count"])
    for name in spec.follow_ups:
        execute(load_sql("members", name), params)
    if imported.is_dry_run:
        transaction.savepoint_rollback(point)
    else:
        transaction.savepoint_commit(point)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE staging")
    return tally


def _count(tally: Tally, outcome: str, line: int | None, row_count: int) -> None:
    if outcome == "NEW":
        tally.new += row_count
    elif outcome == "CHANGED":
        tally.changed += row_count
    elif outcome == "SAME":
        tally.same += row_count
    elif line is not None:
        tally.refused[line] = outcome


def _cleaned(spec: ImportSpec, layout: Layout, chunk: list[list[str]], tally: Tally) -> dict[int, Any]:
    """Clean rows by their number in the chunk. Of rows with one identity the last counts, the others are refused."""
    clean, identity = spec.clean, spec.identity
    names, indexes = list(layout.columns), list(layout.columns.values())
    width = max(indexes) + 1
    rows: dict[int, Any] = {}
    last: dict[Any, int] = {}
    for line, cells in enumerate(chunk):
        padded = cells if len(cells) >= width else cells + [""] * (width - len(cells))
        try:
            row = clean({name: padded[index] for name, index in zip(names, indexes, strict=True)})
        except RowRefused as refused:
            tally.refused[line] = refused.code
            continue
        earlier = last.get(identity(row))
        if earlier is not None:
            tally.refused[earlier] = DUPLICATE
            del rows[earlier]
        last[identity(row)] = line
        rows[line] = row
    return rows


def _reopen_errors(path: Path, layout: Layout, job: Job) -> int:
    """Cut the error file back to what the last committed chunk knew, or begin it with its header."""
    if job.done_count == 0:
        path.write_text(_csv_line([*layout.header, _("reason")]), encoding="utf-8-sig", newline="")
        return path.stat().st_size
    known = int(job.report.get("error_bytes", 0))
    with path.open("r+b") as file:
        file.truncate(known)
    return known


def _error_lines(chunk: list[list[str]], refused: dict[int, str]) -> bytes:
    lines = (_csv_line([*chunk[line], reason_sentence(code)]) for line, code in sorted(refused.items()))
    return "".join(lines).encode()


def _write_errors(path: Path, lines: bytes, at: int) -> None:
    """Write at `at`, over whatever a chunk that was rolled back has left there."""
    if not lines:
        return
    with path.open("r+b") as file:
        file.truncate(at)
        file.seek(at)
        file.write(lines)


def reason_sentence(code: str) -> str:
    """Why a row was refused, in the reader's language."""
    own = {
        DUPLICATE: (_("named again further down; the last row counts")),
        "STORE_UNKNOWN": _("this store is not in the list of stores"),
        "CARD_UNKNOWN": _("this card is not in the list of members"),
        "ORDER_UNKNOWN": _("this order was not imported yet"),
    }
    if code in own:
        return own[code]
    chinese, english = REASONS[code]
    return chinese if (get_language() or "zh").startswith("zh") else english


def _csv_line(cells: Sequence[str]) -> str:
    """One CSV line; a cell that a spreadsheet would run as a formula gets a quote in front."""
    buffer = io.StringIO()
    safe = [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell for cell in cells]
    csv.writer(buffer, lineterminator="\r\n").writerow(safe)
    return buffer.getvalue()
