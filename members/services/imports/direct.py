"""Rows that another system hands over in one call: the rules and statements of files, without a file."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from members.models import ConsentSource
from members.services.imports.chunk import Tally, cleaned, staged, upsert
from members.services.imports.kinds import spec_of


@transaction.atomic
def write_rows(*, kind: str, rows: Sequence[Mapping[str, str]], proof: str, now: datetime) -> Tally:
    """
    Write rows of one kind; what is wrong with a row refuses that row alone. A repeat changes nothing.

    A blank field keeps what is known. `proof` says to the consent ledger where a consent can be seen again.
    """
    spec, tally = spec_of(kind), Tally()
    facts = {
        "now": now, "is_demo": False, "proof": proof, "source": ConsentSource.API, "import_id": None,
        "keeps_changes": False,
    }  # fmt: skip
    with staged(spec, cleaned(spec, rows, tally)):
        upsert(spec, tally, facts)
    return tally
