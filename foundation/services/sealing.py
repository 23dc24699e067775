"""
Sealing the ledgers: rows that are final become blocks, each with the fingerprint of the one before.

Ids are drawn in order but committed in any. What an open transaction has drawn nobody sees, not even as a
transaction: it has no number before its first row is written. But it holds the table's lock from before it draws
until after others can see its rows. So: read the highest id, then who holds that lock. Once these have let go,
every id up to that one is there or never will be. Who comes later draws higher ids, and nobody waits for us.
"""

import time
from collections.abc import Sequence
from datetime import datetime

from foundation.db import fetch_all, fetch_value, load_sql
from foundation.services.ledgers import Ledger, all_ledgers, sealing_sql

BLOCK_ROWS = 1_000
BLOCKS_AT_ONCE = 1_000  # of one ledger in one round: a long backlog leaves the other ledgers their turn
PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.05


def seal_all(*, now: datetime, patience_seconds: float = PATIENCE_SECONDS) -> dict[str, int]:
    """
    Seal what is final in every ledger; returns how many rows of each.

    A ledger to which somebody writes for longer than `patience_seconds` waits for the next round. May run twice at
    once: the number of a block is taken by one, and the other goes on behind it.
    """
    ledgers = all_ledgers()
    final = final_ids(ledgers, patience_seconds=patience_seconds)
    return {one.name: seal(one, until=final[one.table], now=now) for one in ledgers if one.table in final}


def final_ids(ledgers: Sequence[Ledger], *, patience_seconds: float) -> dict[str, int]:
    """The highest id of each table below which no row can appear any more; without tables that are being written to."""
    highest = {one.table: fetch_value(f"SELECT max(id) FROM {one.table}") for one in ledgers}
    writing = _writers(list(highest))
    until = time.monotonic() + patience_seconds
    while (writing := writing & _writers(list(highest))) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    busy = {table for table, _transaction in writing}
    return {table: top for table, top in highest.items() if top is not None and table not in busy}


def _writers(tables: list[str]) -> set[tuple[str, str]]:
    return set(fetch_all(load_sql("foundation", "writers"), {"tables": tables}))


def seal(ledger: Ledger, *, until: int, now: datetime) -> int:
    """Seal the rows up to the id `until`, of which all must be final; returns how many. The loser of a race stops."""
    sql = sealing_sql(ledger)
    facts = {"ledger": ledger.name, "layout": len(ledger.layouts), "until": until, "limit": BLOCK_ROWS, "now": now}
    sealed = 0
    for _block in range(BLOCKS_AT_ONCE):
        row_count = fetch_value(sql, facts)
        if row_count is None:
            break
        sealed += row_count
    return sealed
