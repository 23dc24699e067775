"""Counts for pages, and the proof that they equal the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from foundation.db import fetch_dicts, load_sql


@dataclass(frozen=True, slots=True, order=True)
class TallyRow:
    """One count. Cost is 1/10000 yuan."""

    dispatch_id: int
    variant: str
    channel_id: int
    state: str
    reason: str
    message_count: int
    part_count: int
    cost: int


def tally_of(*, dispatch_ids: Sequence[int]) -> list[TallyRow]:
    """Folded counts plus deltas of some dispatches."""
    if not dispatch_ids:
        return []
    rows = fetch_dicts(load_sql("delivery", "read_tally"), {"dispatch_ids": list(dispatch_ids)})
    return [TallyRow(**row) for row in rows]


def ledger_of(*, dispatch_ids: Sequence[int]) -> list[TallyRow]:
    """The same counts, counted from the ledger itself. Slow on big dispatches: for audits."""
    rows = fetch_dicts(load_sql("delivery", "ledger_counts"), {"dispatch_ids": list(dispatch_ids)})
    return [TallyRow(**row) for row in rows]
