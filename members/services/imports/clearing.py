"""What imports leave behind, cleared away: uploaded files, samples, changes that can no longer be undone."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from foundation.db import execute
from foundation.models import JobState
from members.models import ImportFile
from members.services.imports.undo import UNDO_DAYS

PART_ROWS = 20_000
KEEP_DAYS = UNDO_DAYS + 1  # one more than the undo needs, so that nothing goes while it runs
ERROR_FILE_DAYS = 30
DROP_CHANGES = """
DELETE FROM members_importchange WHERE id IN (
    SELECT id FROM members_importchange WHERE import_file_id = %(id)s ORDER BY id LIMIT %(limit)s)
"""


def clear_imports(*, now: datetime) -> int:
    """
    Clear imports that came in more than KEEP_DAYS ago and have ended; error files go after ERROR_FILE_DAYS.

    Returns how many were cleared. A repeat changes nothing.
    """
    old = ImportFile.objects.filter(is_cleared=False, received_at__lt=now - timedelta(days=KEEP_DAYS))
    open_states = (JobState.QUEUED, JobState.RUNNING)
    done = 0
    for imported in old.exclude(job__state__in=open_states).exclude(undo__job__state__in=open_states).order_by("id"):
        while execute(DROP_CHANGES, {"id": imported.pk, "limit": PART_ROWS}) == PART_ROWS:
            pass
        _clear(imported)
        done += 1
    stale = ImportFile.objects.filter(received_at__lt=now - timedelta(days=ERROR_FILE_DAYS)).exclude(error_path="")
    for imported in stale.order_by("id"):
        Path(imported.error_path).unlink(missing_ok=True)
        ImportFile.objects.filter(pk=imported.pk).update(error_path="")
    return done


@transaction.atomic
def _clear(imported: ImportFile) -> None:
    ImportFile.objects.filter(pk=imported.pk).update(is_cleared=True, samples={})
    path = Path(imported.path)
    # A command imports a file where it lies; that one is its owner's.
    if path.is_relative_to(settings.IMPORT_DIR) and not _is_shared(imported):
        path.unlink(missing_ok=True)


def _is_shared(imported: ImportFile) -> bool:
    """Whether another pass over the same file is still kept."""
    return ImportFile.objects.filter(path=imported.path, is_cleared=False).exclude(pk=imported.pk).exists()
