"""Files that came in by a form and wait, for a short while, until somebody confirms what they would do."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from foundation.errors import DomainError

KEPT_HOURS = 2


class UploadGone(DomainError):
    """The upload is not there any more."""

    code = "UPLOAD_GONE"


def keep(blocks: Iterable[bytes]) -> str:
    """Write an upload, readable by this account alone; returns its name, which nobody guesses."""
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_urlsafe(24)
    with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for block in blocks:
            file.write(block)
    return name


def path_of(name: str) -> Path:
    """Where it lies."""
    return Path(settings.UPLOAD_DIR) / Path(name).name


def fingerprint(name: str) -> str:
    """SHA-256 of the content. Raises UploadGone."""
    try:
        with path_of(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as missing:
        raise UploadGone(_("This upload is not there any more. Choose the file again.")) from missing


def drop(name: str) -> None:
    """Forget an upload. A repeat changes nothing."""
    path_of(name).unlink(missing_ok=True)


def sweep() -> None:
    """Delete uploads that nobody confirmed; by the clock of the disk, not of the business."""
    folder = Path(settings.UPLOAD_DIR)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.stat().st_mtime < time.time() - KEPT_HOURS * 3600:
            path.unlink(missing_ok=True)
