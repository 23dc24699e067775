"""
Taking an import of members back: asked for by one person, confirmed by another, done by a job.

What the import has made is deleted, what it has changed gets its old values. Left as it is, and listed, what
something hangs on by now: a member with orders, or one that a later import has changed. Consents that the file
gave are withdrawn; one that it took away stays away, for nobody may be written to by mistake.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from foundation.db import execute, fetch_dicts, fetch_value, load_sql
from foundation.errors import DomainError
from foundation.models import Job, Operator
from foundation.services import audit, jobs
from members.models import ImportFile, ImportKind, ImportUndo, UndoState
from members.services.imports.chunk import ONE_WRITER, proof_of
from members.services.rollup import roll_up

UNDO_DAYS = 7
PART_ROWS = 5_000


def undo_until(imported: ImportFile) -> datetime | None:
    """Until when an import may be undone; None for one that can't be."""
    job = imported.job
    if job is None or imported.kind != ImportKind.MEMBERS or imported.is_dry_run or imported.is_demo:
        return None
    if job.finished_at is None or not imported.new_count + imported.changed_count:
        return None
    return job.finished_at + timedelta(days=UNDO_DAYS)


@transaction.atomic
def ask_undo(*, import_id: int, reason: str, by: Operator, now: datetime) -> ImportUndo:
    """
    Ask for an import to be undone; somebody else confirms. A repeat returns the first wish.

    After a refusal it may be asked for again. Raises DomainError when it is too late or nothing could be undone.
    """
    imported = ImportFile.objects.select_related("job").get(pk=import_id)
    until = undo_until(imported)
    if until is None:
        raise DomainError(_("This import can't be undone."))
    if now > until:
        raise DomainError(_("It is too late: an import can be undone for %(days)s days.") % {"days": UNDO_DAYS})
    reason = reason.strip()
    if not reason:
        raise DomainError(_("Say why."))
    wish = {"reason": reason[:200], "asked_by": by, "asked_at": now}
    undo, made = ImportUndo.objects.get_or_create(import_file=imported, defaults=wish)
    if not made:
        again = ImportUndo.objects.filter(pk=undo.pk, state=UndoState.REFUSED)
        made = bool(again.update(**wish, state=UndoState.ASKED, decided_by=None, decided_at=None))
        undo.refresh_from_db()
    if made:
        audit.record(action="import.undo_asked", subject=f"members.importfile:{import_id}", by=by, now=now)
    return undo


@transaction.atomic
def decide_undo(*, import_id: int, is_confirmed: bool, by: Operator, now: datetime) -> ImportUndo:
    """
    Confirm or refuse what somebody else has asked for. A repeat of the same decision changes nothing.

    Raises DomainError for one's own wish, and when another decision was first.
    """
    undo = ImportUndo.objects.select_for_update().select_related("import_file").get(pk=import_id)
    state = UndoState.CONFIRMED if is_confirmed else UndoState.REFUSED
    if undo.state == state and undo.decided_by_id == by.pk:
        return undo
    if undo.state != UndoState.ASKED:
        raise DomainError(_("Somebody has decided this already."))
    if undo.asked_by_id == by.pk:
        raise DomainError(_("Whoever asks for it can't confirm it."))
    undo.state, undo.decided_by, undo.decided_at = state, by, now
    if is_confirmed:
        title = _("Undo of %(name)s") % {"name": undo.import_file.name}
        undo.job = jobs.enqueue(
            kind="members.undo_import", title=title[:200], params={"import_id": import_id}, by=by, now=now
        )
    undo.save()
    action = "import.undo_confirmed" if is_confirmed else "import.undo_refused"
    audit.record(action=action, subject=f"members.importfile:{import_id}", by=by, now=now)
    return undo


def run_undo(*, job: Job, now: datetime) -> dict[str, Any]:
    """The runner of kind members.undo_import: consents first, then the members, part by part."""
    import_id = int(job.params["import_id"])
    total = fetch_value("SELECT count(*) FROM members_importchange WHERE import_file_id = %(id)s", {"id": import_id})
    if "withdrawn" not in job.report:
        _withdraw(job, import_id, total, now=now)
    while job.report["after"] is not None:
        _undo_part(job, import_id)
    roll_up(now=now)
    undo = ImportUndo.objects.get(pk=import_id)
    return {"deleted": undo.deleted_count, "restored": undo.restored_count, "kept": undo.kept_count}


@transaction.atomic
def _withdraw(job: Job, import_id: int, total: int, *, now: datetime) -> None:
    """Consents that this file gave and nothing has spoken of since."""
    params = {"proof": proof_of(import_id), "undone": f"undo:{proof_of(import_id)}", "now": now}
    withdrawn = execute(load_sql("members", "undo_consent"), params)
    ImportUndo.objects.filter(pk=import_id).update(consent_count=F("consent_count") + withdrawn)
    jobs.report_progress(job=job, done_count=0, total_count=total, report={"withdrawn": withdrawn, "after": 0})


@transaction.atomic
def _undo_part(job: Job, import_id: int) -> None:
    execute(ONE_WRITER)
    params = {"import_id": import_id, "after": job.report["after"], "limit": PART_ROWS}
    part = fetch_dicts(load_sql("members", "undo_members"), params)[0]
    ImportUndo.objects.filter(pk=import_id).update(
        deleted_count=F("deleted_count") + part["deleted"],
        restored_count=F("restored_count") + part["restored"],
        kept_count=F("kept_count") + part["read"] - part["deleted"] - part["restored"],
    )
    done = job.done_count + part["read"]
    report = {**job.report, "after": part["last"]}
    jobs.report_progress(job=job, done_count=done, total_count=max(job.total_count, done), report=report)
