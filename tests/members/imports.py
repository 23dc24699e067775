"""Member files for the tests of imports."""

import csv
from pathlib import Path

from foundation.services import jobs
from foundation.services.phones import hash_phone
from members.models import ImportFile, PhoneGate
from members.services.imports import begin, receive, write_tried
from tests.factories import NOON, make_operator

HEADER = ["会员卡号", "手机号", "姓名", "归属门店", "营销同意", "城市"]


def write(folder: Path, rows: list[list[str]], *, header: list[str] = HEADER, name: str = "members.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def run_all() -> None:
    """Run every open job, as the background worker would."""
    jobs.run_due(now=NOON)


def tried(path: Path, *, kind: str = "MEMBERS", columns: dict[str, int] | None = None) -> ImportFile:
    """A file that has come in and was tried."""
    by = make_operator()
    imported = receive(kind=kind, path=path, name=path.name, by=by, now=NOON)
    begin(import_id=imported.pk, columns=columns, by=by, now=NOON, is_dry_run=True)
    run_all()
    imported.refresh_from_db()
    return imported


def written(path: Path) -> ImportFile:
    """A file that was tried and written."""
    imported = write_tried(import_id=tried(path).pk, by=make_operator(), now=NOON)
    run_all()
    imported.refresh_from_db()
    return imported


def consent_of(phone: str) -> str | None:
    return PhoneGate.objects.filter(phone_hash=hash_phone(phone)).values_list("consent", flat=True).first()
