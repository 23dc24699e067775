"""
Lists as files: asked for with a reason, written by a job, downloaded by whoever asked, deleted when they expire.

A job that runs twice, or in two workers, makes one file: each writes under a name of its own, and the row takes the
first that is whole.
"""

import contextlib
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from foundation.errors import DomainError, NotAllowed
from foundation.models import ExportFile, FileEncoding, FileFormat, Job, JobState, Operator
from foundation.row_scope import limited_to, reach_of
from foundation.services import audit, jobs
from foundation.services.export_lists import ExportList, find
from foundation.services.export_writers import writer_of
from foundation.spreadsheet import plain

log = logging.getLogger(__name__)

RIGHT = "foundation.export_lists"
SHORTEST_REASON = 4
OPEN_AT_ONCE = 3
READ_ROWS = 2_000  # model rows in memory at one time
STEP_ROWS = 10_000  # rows between two moves of the bar
ORPHAN_HOURS = 24


class ExportRefused(DomainError):
    """What was asked for can't be made."""

    code = "EXPORT_REFUSED"


class ExportGone(DomainError):
    """The file is not there: not yet, not any more."""

    code = "EXPORT_GONE"


def check_right(*, name: str, by: Operator, now: datetime) -> ExportList:
    """The list, for somebody who may export it. Raises NoSuchList, NotAllowed."""
    chosen = find(name)
    if not by.is_active or not by.has_perm(RIGHT) or not chosen.is_seen_by(by, reach_of(by, now)):
        raise NotAllowed(_("You may not export this list."))
    return chosen


def count_rows(*, name: str, query: str, by: Operator, now: datetime) -> int:
    """How many rows an export would have. Raises NoSuchList, NotAllowed."""
    chosen = check_right(name=name, by=by, now=now)
    with limited_to(reach_of(by, now)):
        return int(chosen.rows(by, query, now).count())


@transaction.atomic
def request_export(
    *, name: str, query: str, file_format: str, encoding: str, reason: str, by: Operator, now: datetime
) -> ExportFile:
    """
    Queue an export of a list as `by` sees it under `query`, in the language that is active.

    Raises NoSuchList, NotAllowed, ExportRefused. A repeat makes another file, OPEN_AT_ONCE at the most at one time.
    """
    Operator.objects.select_for_update().get(pk=by.pk)  # two requests at once count each other
    chosen = check_right(name=name, by=by, now=now)
    reason = " ".join(reason.split())[:200]
    if len(reason) < SHORTEST_REASON:
        raise ExportRefused(_("Say in a few words what the file is for."))
    if ExportFile.objects.filter(by=by, job__state__in=(JobState.QUEUED, JobState.RUNNING)).count() >= OPEN_AT_ONCE:
        raise ExportRefused(_("Three files of yours are still being made. Wait for one of them."))
    with limited_to(reach_of(by, now)):
        chosen.rows(by, query, now)  # a query that makes no sense is refused here, not an hour later
    title = (_("Export of %(name)s") % {"name": chosen.title})[:200]
    job = jobs.enqueue(kind="foundation.export", title=title, params={}, by=by, now=now)
    made = ExportFile.objects.create(
        by=by, job=job, list_name=name, query=query, file_format=FileFormat(file_format),
        encoding=FileEncoding(encoding), language=translation.get_language() or settings.LANGUAGE_CODE, reason=reason,
        asked_at=now,
    )  # fmt: skip
    audit.record(
        action="export.requested", subject=made.subject, by=by, now=now, list=name, format=file_format,
        is_filtered=bool(query),
    )  # fmt: skip
    return made


def run_job(*, job: Job, now: datetime) -> dict[str, Any]:
    """The runner of kind foundation.export: writes the file anew from its first row. A repeat makes no second one."""
    wish = ExportFile.objects.select_related("by").get(job=job)
    if wish.made_at is not None:
        return {"rows": wish.row_count}
    with translation.override(wish.language):
        chosen = check_right(name=wish.list_name, by=wish.by, now=now)
        with _new_file(wish) as (file, path):
            with limited_to(reach_of(wish.by, now)):
                rows = _write(wish, chosen, file, job, now=now)
            file.flush()
            os.fsync(file.fileno())
            _take(wish, path, rows, job, now=now)
    return {"rows": rows}


@contextlib.contextmanager
def _new_file(wish: ExportFile) -> Iterator[tuple[BinaryIO, Path]]:
    """An empty file under a name nobody can guess, readable by this account alone; gone unless it was taken."""
    folder = Path(settings.EXPORT_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{secrets.token_urlsafe(24)}.{wish.file_format.lower()}.part"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def _write(wish: ExportFile, chosen: ExportList, file: BinaryIO, job: Job, *, now: datetime) -> int:
    found = chosen.rows(wish.by, wish.query, now)
    total = found.count()
    jobs.report_progress(job=job, done_count=0, total_count=total, report={})
    heads = [str(one.title) for one in chosen.columns]
    readers = [one.value for one in chosen.columns]
    writer = writer_of(file, heads, file_format=wish.file_format, encoding=wish.encoding)
    done = 0
    # Outside a transaction, so that the bar shows and a cancel is heard: the server holds one picture of the rows.
    for row in found.iterator(chunk_size=READ_ROWS):
        writer.write([plain(read(row)) for read in readers])
        done += 1
        if done % STEP_ROWS == 0:
            jobs.report_progress(job=job, done_count=done, total_count=max(total, done), report={})
    writer.close()
    return done


@transaction.atomic
def _take(wish: ExportFile, path: Path, rows: int, job: Job, *, now: datetime) -> None:
    """Give the file its place. Raises JobLost when another worker's was first."""
    jobs.report_progress(job=job, done_count=rows, total_count=rows, report={})
    final = path.with_suffix("")
    taken = ExportFile.objects.filter(pk=wish.pk, made_at__isnull=True).update(
        path=str(final), row_count=rows, size_bytes=path.stat().st_size, sha256=_sha256(path), made_at=now,
        expires_at=now + timedelta(hours=settings.EXPORT_KEEP_HOURS),
    )  # fmt: skip
    if not taken:
        raise jobs.JobLost(_("This work is no longer running."))
    path.rename(final)  # if the commit fails now, the sweep finds a file that no row names


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_export(*, export_id: int, by: Operator, now: datetime) -> tuple[ExportFile, BinaryIO]:
    """
    The file for whoever asked for it, who still has to have the rights; each time is written down.

    Raises ExportFile.DoesNotExist for somebody else's, NotAllowed, NoSuchList, ExportGone.
    """
    found = ExportFile.objects.get(pk=export_id, by=by)
    check_right(name=found.list_name, by=by, now=now)
    gone = _("This file is not there any more. Export the list again.")
    if not found.path or found.expires_at is None or found.expires_at <= now:
        raise ExportGone(gone)
    try:
        file = Path(found.path).open("rb")  # noqa: SIM115  the answer closes it
    except OSError as missing:
        raise ExportGone(gone) from missing
    audit.record(action="export.downloaded", subject=found.subject, by=by, now=now, rows=found.row_count)
    return found, file


def clear(*, now: datetime) -> int:
    """Delete files and searches that have expired, and what killed workers left; returns how many files expired."""
    ended = ExportFile.objects.filter(made_at__isnull=True, job__state__in=(JobState.FAILED, JobState.CANCELLED))
    ended.filter(asked_at__lte=now - timedelta(hours=settings.EXPORT_KEEP_HOURS)).exclude(query="").update(query="")
    due = ExportFile.objects.filter(expires_at__lte=now).exclude(path="").order_by("id")
    done = sum(_expire(one, now=now) for one in due.values_list("pk", flat=True))
    _sweep()
    return done


@transaction.atomic
def _expire(export_id: int, *, now: datetime) -> int:
    found = ExportFile.objects.select_for_update().exclude(path="").filter(pk=export_id).first()
    if found is None:
        return 0
    Path(found.path).unlink(missing_ok=True)
    ExportFile.objects.filter(pk=found.pk).update(path="", query="")
    audit.record(action="export.expired", subject=found.subject, by=None, now=now)
    return 1


def _sweep() -> None:
    """Files that no row names and nobody has written to for a day; by the clock of the disk, not of the business."""
    folder = Path(settings.EXPORT_DIR)
    if not folder.is_dir():
        return
    known = set(ExportFile.objects.exclude(path="").values_list("path", flat=True))
    for path in folder.iterdir():
        if str(path) not in known and path.stat().st_mtime < time.time() - ORPHAN_HOURS * 3600:
            path.unlink(missing_ok=True)
            log.info("export_swept")
