"""A pass over a file: tried, written, stopped, taken up again, undone."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, page, workplace
from console.workplaces.import_words import OUTCOMES, reasons_of, shown_samples
from console.workplaces.imports import PERMISSION
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import Job
from foundation.services import jobs
from members.models import ImportChange, ImportFile, ImportUndo
from members.services.imports import write_tried
from members.services.imports.steps import job_of
from members.services.imports.undo import ask_undo, decide_undo, undo_until

CONFIRM = "members.confirm_importundo"
KEPT_ROWS = 50
SECONDS_FOR_A_RATE = 2


def _import(pk: int) -> ImportFile:
    found = ImportFile.objects.select_related(
        "job", "by", "tried__job", "written", "undo__job", "undo__asked_by", "undo__decided_by"
    )
    return get_object_or_404(found, pk=pk, job__isnull=False)


@require_safe
@workplace(PERMISSION, CONFIRM)
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One pass: bar while it runs, figures when it is done."""
    imported = _import(pk)
    context = _context(request, imported, job_of(imported), now=clock.now())
    if request.headers.get("HX-Request"):
        return render(request, "console/_import.html", context)
    return page(request, "import", job_of(imported).title, **context)


def _context(request: HttpRequest, imported: ImportFile, job: Job, *, now: datetime) -> dict[str, Any]:
    undo = ImportUndo.objects.filter(pk=imported.pk).select_related("job", "asked_by", "decided_by").first()
    until = undo_until(imported)
    return {
        "imported": imported, "job": job, "now": now, "pace": _pace(job, now),
        "left": max(job.total_count - job.done_count, 0), "next_row": job.done_count + 1,
        "reasons": reasons_of(imported.reasons), "samples": shown_samples(imported.samples),
        "written": getattr(imported, "written", None), "compared": _compared(imported),
        "members_after": imported.notes.get("members", 0) + imported.new_count,
        "untouched": imported.notes.get("members", 0) - imported.changed_count - imported.same_count,
        "undo": undo, "is_undoing": undo is not None and undo.job is not None and undo.job.is_open,
        "undo_until": until if until is not None and now <= until else None,
        "undo_people": imported.new_count + imported.changed_count,
        "kept": _kept(imported) if undo is not None and undo.kept_count else [],
        "may_import": request.user.has_perm(PERMISSION), "may_confirm": _may_confirm(request, undo),
    }  # fmt: skip


def _may_confirm(request: HttpRequest, undo: ImportUndo | None) -> bool:
    if undo is None or undo.state != "ASKED" or not request.user.has_perm(CONFIRM):
        return False
    return undo.asked_by_id != operator_of(request).pk


def _pace(job: Job, now: datetime) -> dict[str, Any] | None:
    """Rows a second since the start and the time that is left; None while it can't be said."""
    if not job.is_open or job.started_at is None or not job.done_count:
        return None
    seconds = (now - job.started_at).total_seconds()
    if seconds < SECONDS_FOR_A_RATE:
        return None
    rate = job.done_count / seconds
    return {"rate": round(rate), "left": timedelta(seconds=round((job.total_count - job.done_count) / rate))}


def _compared(imported: ImportFile) -> list[tuple[Any, int, int, int]]:
    """Outcome, tried, written, difference; empty for a dry run or an import that was never tried."""
    tried = imported.tried
    if tried is None:
        return []
    names = (*OUTCOMES.items(), ("READ", _("All rows")))
    rows = []
    for code, label in names:
        before, real = getattr(tried, f"{code.lower()}_count"), getattr(imported, f"{code.lower()}_count")
        rows.append((label, before, real, real - before))
    return rows


def _kept(imported: ImportFile) -> list[ImportChange]:
    """Members that an undo has left as they are."""
    return list(ImportChange.objects.filter(import_file=imported).select_related("member").order_by("id")[:KEPT_ROWS])


@require_POST
@workplace(PERMISSION)
def write_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Write what was tried."""
    try:
        written = write_tried(import_id=_import(pk).pk, by=operator_of(request), now=clock.now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("import", pk=pk)
    return redirect("import", pk=written.pk)


@require_POST
@workplace(PERMISSION)
def cancel_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a running import after its chunk."""
    jobs.cancel(job_id=job_of(_import(pk)).pk, by=operator_of(request), now=clock.now())
    messages.success(request, _("The import stops; rows that are written stay written."))
    return redirect("import", pk=pk)


@require_POST
@workplace(PERMISSION)
def resume_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on behind the last row that was written."""
    imported = _import(pk)
    if imported.is_cleared:
        messages.error(request, _("This file was cleared away; upload it again."))
    elif jobs.resume(job_id=job_of(imported).pk):
        messages.success(request, _("The import goes on."))
    return redirect("import", pk=pk)


@require_safe
@workplace(PERMISSION)
def import_errors(request: HttpRequest, pk: int) -> FileResponse:
    """The refused rows with their reasons."""
    imported = _import(pk)
    path = Path(imported.error_path)
    if not imported.error_path or not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"refused-{imported.pk}.csv")


@require_POST
@workplace(PERMISSION)
def undo_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for an import to be undone."""
    attempt(
        request, _("Asked for. A colleague has to confirm it."), ask_undo, import_id=_import(pk).pk,
        reason=request.POST.get("reason", ""), by=operator_of(request), now=clock.now(),
    )  # fmt: skip
    return redirect("import", pk=pk)


@require_POST
@workplace(CONFIRM)
def decide_import_undo(request: HttpRequest, pk: str, action: str) -> HttpResponse:
    """Confirm or refuse the undo that a colleague has asked for."""
    undo = get_object_or_404(ImportUndo, pk=_import(int(pk)).pk)
    is_confirmed = action == "confirm"
    attempt(
        request, _("The import is being undone.") if is_confirmed else _("Refused; nothing is undone."), decide_undo,
        import_id=undo.pk, is_confirmed=is_confirmed, by=operator_of(request), now=clock.now(),
    )  # fmt: skip
    return redirect("import", pk=pk)
