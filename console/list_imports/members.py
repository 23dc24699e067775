"""Members for programs that speak import-export: the same set-based import as the pages and commands have."""

import csv
import tempfile
from pathlib import Path
from typing import Any

from import_export.resources import Resource
from import_export.results import Error, Result, RowResult
from tablib import Dataset

from foundation import clock
from foundation.errors import DomainError
from foundation.models import Operator
from members.models import ImportFile, ImportKind
from members.services.imports import import_now

OUTCOMES = {
    RowResult.IMPORT_TYPE_NEW: "new_count", RowResult.IMPORT_TYPE_UPDATE: "changed_count",
    RowResult.IMPORT_TYPE_SKIP: "same_count", RowResult.IMPORT_TYPE_INVALID: "refused_count",
}  # fmt: skip


class MemberResource(Resource):
    """
    `import_data` hands all rows to the members' import: its headings, rules, consent, error file, undo.

    The result has the figures; which row was refused and why stands in the error file of `result.imported`. A refused
    row leaves the others alone, as in every import of members.
    """

    def import_data(self, dataset: Dataset, dry_run: bool = False, raise_errors: bool = False, **kwargs: Any) -> Result:
        """Import now, in this process; `user` is who does it. Raises DomainError with `raise_errors` only."""
        result = Result()
        result.total_rows = len(dataset)
        by = kwargs.get("user")
        try:
            imported = _import(dataset, dry_run=dry_run, by=by if isinstance(by, Operator) else None)
        except DomainError as refusal:
            if raise_errors:
                raise
            result.append_base_error(Error(refusal))
            return result
        result.imported = imported
        for kind, name in OUTCOMES.items():
            result.totals[kind] = getattr(imported, name)
        return result


def _import(dataset: Dataset, *, dry_run: bool, by: Operator | None) -> ImportFile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([dataset.headers or [], *dataset])
        return import_now(
            kind=ImportKind.MEMBERS, path=path, name="rows.csv", by=by, now=clock.now(), is_dry_run=dry_run
        )
