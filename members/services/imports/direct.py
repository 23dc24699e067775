"""Rows that another system hands over in one call: the rules and statements of files, without a file."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from foundation.db import execute, fetch_all, load_sql
from foundation.row_scope import Stores, limited_to
from members.models import ConsentSource
from members.services.imports.chunk import ONE_WRITER, Tally, cleaned, staged, upsert
from members.services.imports.kinds import spec_of

FOREIGN_STORE = "FOREIGN_STORE"


@transaction.atomic
def write_rows(
    *, kind: str, rows: Sequence[Mapping[str, str]], stores: Stores, proof: str, now: datetime
) -> Tally:  # fmt: skip
    """
    Write rows of one kind; what is wrong with a row refuses that row alone. A repeat changes nothing.

    A blank field keeps what is known. With `stores`, rows of any other store are refused, be they there or new.
    `proof` says to the consent ledger where a consent can be seen again.
    """
    spec, tally = spec_of(kind), Tally()
    facts = {
        "now": now, "is_demo": False, "proof": proof, "source": ConsentSource.API, "import_id": None,
        "keeps_changes": False,
    }  # fmt: skip
    # Who the rows belong to is looked at here, whoever reads: statements of files know no row scope.
    with limited_to(None), staged(spec, cleaned(spec, rows, tally)):
        if stores is not None:
            execute(ONE_WRITER)  # nobody moves to another store between this look and the writing
            foreign = fetch_all(load_sql("members", spec.foreign), {"stores": sorted(stores)})
            tally.refused.update((line, FOREIGN_STORE) for (line,) in foreign)
        upsert(spec, tally, facts)
    return tally
