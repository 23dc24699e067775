"""The steps of an import: a file comes in, its columns are chosen, it is tried, it is written."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.errors import DomainError
from foundation.models import Job, JobState, Operator
from foundation.services import audit, jobs
from members.models import HeaderChoice, ImportFile
from members.rules.import_headers import folded_header, guess_columns
from members.services.imports.kinds import kind_of
from members.services.imports.reading import Layout, count_lines, read_head, with_columns
from members.services.imports.workbook import as_csv

LONGEST_REMEMBERED = 100


def receive(
    *, kind: str, path: Path, name: str, by: Operator | None, now: datetime, is_demo: bool = False
) -> ImportFile:
    """
    Take in the file at `path`; nothing is read into rows yet. A workbook becomes a CSV file beside it.

    Raises CannotImport when the file as a whole can't be read, and changes nothing then.
    """
    path = as_csv(path)
    layout = read_head(path)
    return ImportFile.objects.create(
        kind=kind_of(kind), path=str(path), name=name, by=by, received_at=now, is_demo=is_demo,
        encoding=layout.encoding, size_bytes=path.stat().st_size, line_count=count_lines(path), is_dry_run=True,
    )  # fmt: skip


@transaction.atomic
def begin(
    *, import_id: int, columns: Mapping[str, int] | None, by: Operator | None, now: datetime, is_dry_run: bool
) -> ImportFile:
    """
    Queue the job of a received file; a worker takes it after the commit. A repeat changes nothing.

    `columns` maps fields to columns; None takes what the header says. Choices that differ from it are
    remembered. Raises CannotImport when a required field has no column, and changes nothing then.
    """
    imported = ImportFile.objects.select_for_update().get(pk=import_id)
    if imported.job_id is not None:
        return imported
    kind = kind_of(imported.kind)
    layout = with_columns(_head(imported), kind, columns)
    if columns is not None:
        _remember(imported, layout.header, columns)
    imported.columns = layout.columns
    imported.is_dry_run = is_dry_run
    _queue(imported, by=by, now=now)
    return imported


@transaction.atomic
def write_tried(*, import_id: int, by: Operator, now: datetime) -> ImportFile:
    """
    Write what the dry run `import_id` has tried, with the same columns. A repeat returns the first.

    Raises DomainError when it isn't a finished dry run or its file is gone.
    """
    tried = ImportFile.objects.select_for_update(of=("self",)).select_related("job").get(pk=import_id)
    written = ImportFile.objects.filter(tried=tried).first()
    if written is not None:
        return written
    if not tried.is_dry_run or tried.job is None or tried.job.state != JobState.DONE:
        raise DomainError(_("Only a finished dry run can be written."))
    if tried.is_cleared:
        raise DomainError(_("This file was cleared away; upload it again."))
    written = ImportFile(
        tried=tried, kind=tried.kind, path=tried.path, name=tried.name, received_at=now, is_demo=tried.is_demo,
        encoding=tried.encoding, size_bytes=tried.size_bytes, line_count=tried.line_count, columns=tried.columns,
    )  # fmt: skip
    _queue(written, by=by, now=now)
    return written


def start_import(
    *, kind: str, path: Path, name: str, by: Operator | None, now: datetime, is_dry_run: bool = False,
    is_demo: bool = False,
) -> ImportFile:  # fmt: skip
    """
    Receive a file and queue its import at once, with the columns that its header names.

    Raises CannotImport when the file as a whole can't be read, and changes nothing then.
    """
    with transaction.atomic():
        imported = receive(kind=kind, path=path, name=name, by=by, now=now, is_demo=is_demo)
        return begin(import_id=imported.pk, columns=None, by=by, now=now, is_dry_run=is_dry_run)


def import_now(
    *, kind: str, path: Path, name: str, by: Operator | None, now: datetime, is_dry_run: bool = False,
    is_demo: bool = False,
) -> ImportFile:  # fmt: skip
    """Import a file in this process; for commands. Raises DomainError when it could not be done."""
    with transaction.atomic():
        imported = start_import(kind=kind, path=path, name=name, by=by, now=now, is_dry_run=is_dry_run, is_demo=is_demo)
        job = job_of(imported)
        # Claimed before anybody sees it, or a worker would take it and this process would tell of nothing.
        jobs.claim_next(now=now, job_id=job.pk)
    jobs.run(job_id=job.pk, now=now)
    imported.refresh_from_db()
    if job_of(imported).error:
        raise DomainError(job_of(imported).error)
    return imported


def job_of(imported: ImportFile) -> Job:
    """The job of an import that was begun. Raises DomainError before."""
    if imported.job is None:
        raise DomainError(_("Say first which column is what."))
    return imported.job


def _head(imported: ImportFile) -> Layout:
    return read_head(Path(imported.path), imported.encoding)


def _queue(imported: ImportFile, *, by: Operator | None, now: datetime) -> None:
    title = _("Dry run of %(name)s") if imported.is_dry_run else _("Import of %(name)s")
    imported.job = jobs.enqueue(
        kind="members.import", title=(title % {"name": imported.name})[:200], params={}, by=by, now=now
    )
    imported.by = by
    imported.save()
    audit.record(
        action="import.tried" if imported.is_dry_run else "import.started",
        subject=f"members.importfile:{imported.pk}", by=by, now=now, kind=imported.kind,
    )  # fmt: skip


def _remember(imported: ImportFile, header: list[str], columns: Mapping[str, int]) -> None:
    """Keep what differs from our own guess, forget what agrees with it again."""
    kind = kind_of(imported.kind)
    guessed = {column: field for field, column in guess_columns(kind, header).columns.items()}
    chosen = {column: field for field, column in columns.items()}
    for column, name in enumerate(header):
        folded = folded_header(name)[:LONGEST_REMEMBERED]
        if not folded:
            continue
        field = chosen.get(column, "")
        if field == guessed.get(column, ""):
            HeaderChoice.objects.filter(kind=imported.kind, header=folded).delete()
        else:
            HeaderChoice.objects.update_or_create(kind=imported.kind, header=folded, defaults={"field": field})
