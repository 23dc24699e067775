"""One chunk of a file: clean → COPY to staging → one upsert, with what became of each row."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from foundation.db import execute, fetch_dicts, load_sql
from members.models import ConsentSource, ImportFile, ImportKind
from members.rules.import_row import RowRefused
from members.services.imports.errors import DUPLICATE
from members.services.imports.kinds import ImportSpec
from members.services.imports.reading import Layout

# Members are written by one at a time, chunk by chunk: what ImportChange calls "before" is then what really was.
ONE_WRITER = "SELECT pg_advisory_xact_lock(hashtext('members.write'))"


@dataclass
class Tally:
    """What became of the rows of one chunk. `refused` holds row number in the chunk and reason code."""

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    sampled: list[dict[str, Any]] = field(default_factory=list)  # rows of import_samples.sql
    notes: dict[str, int] = field(default_factory=dict)


def write(
    imported: ImportFile, spec: ImportSpec, layout: Layout, chunk: list[list[str]], *, now: datetime,
    with_samples: bool = False,
) -> Tally:  # fmt: skip
    """Write one chunk inside the caller's transaction; a dry run is rolled back behind its figures."""
    tally = Tally()
    with staged(spec, _cleaned(spec, layout, chunk, tally)):
        _write_staged(imported, spec, tally, now=now, with_samples=with_samples)
    return tally


@contextmanager
def staged(spec: ImportSpec, rows: Mapping[int, Any]) -> Iterator[None]:
    """Clean rows, by their number, in the table `staging` for as long as the block lasts; inside a transaction."""
    # Sealed before the COPY: the first seal of a process asks the database about its key.
    sealed = [(line, *spec.stage(row)) for line, row in rows.items()]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE staging (line integer, {spec.staging}) ON COMMIT DROP")
        with cursor.copy("COPY staging FROM STDIN") as copy:
            for values in sealed:
                copy.write_row(values)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE staging")


def _write_staged(
    imported: ImportFile, spec: ImportSpec, tally: Tally, *, now: datetime, with_samples: bool
) -> None:  # fmt: skip
    point = transaction.savepoint()
    _upsert(imported, spec, tally, now=now)
    if imported.is_dry_run:
        if imported.kind == ImportKind.MEMBERS:
            _look_closer(imported, tally, with_samples=with_samples)
        transaction.savepoint_rollback(point)
    else:
        transaction.savepoint_commit(point)


def _upsert(imported: ImportFile, spec: ImportSpec, tally: Tally, *, now: datetime) -> None:
    upsert(spec, tally, {
        "now": now, "is_demo": imported.is_demo, "proof": proof_of(imported.pk), "source": ConsentSource.IMPORT,
        "import_id": imported.pk, "keeps_changes": not imported.is_demo,
    })  # fmt: skip


def upsert(spec: ImportSpec, tally: Tally, params: Mapping[str, Any]) -> None:
    """Write what is staged; `params` are those of the kind's statements."""
    if spec.key == "card_no":
        execute(ONE_WRITER)
    for outcome in fetch_dicts(load_sql("members", spec.statement), params):
        _count(tally, outcome["outcome"], outcome["line"], outcome["row_count"])
    for name in spec.follow_ups:
        execute(load_sql("members", name), params)


def proof_of(import_id: int) -> str:
    """What the consent ledger names as the proof of a consent that came with a file."""
    return f"import:{import_id}"


def _look_closer(imported: ImportFile, tally: Tally, *, with_samples: bool) -> None:
    """What a dry run of members tells beside its counts."""
    tally.notes = fetch_dicts(load_sql("members", "import_notes"))[0]
    if with_samples:
        rows = fetch_dicts(load_sql("members", "import_samples"), {"import_id": imported.pk})
        # Django hands raw JSON out as text.
        tally.sampled = [{**row, "before": _facts(row["before"]), "after": _facts(row["after"])} for row in rows]


def _facts(text: str | None) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(text or "{}")
    return facts


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
    names, indexes = list(layout.columns), list(layout.columns.values())
    width = max(indexes) + 1
    padded = (cells if len(cells) >= width else cells + [""] * (width - len(cells)) for cells in chunk)
    values = ({name: cells[index] for name, index in zip(names, indexes, strict=True)} for cells in padded)
    return cleaned(spec, values, tally)


def cleaned(spec: ImportSpec, values: Iterable[Mapping[str, str]], tally: Tally) -> dict[int, Any]:
    """Clean rows by their number. Of rows with one identity the last counts, the others are refused."""
    clean, identity = spec.clean, spec.identity
    rows: dict[int, Any] = {}
    last: dict[Any, int] = {}
    for line, fields in enumerate(values):
        try:
            row = clean(fields)
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
