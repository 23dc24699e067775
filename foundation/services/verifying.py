"""Proving the ledgers: every seal is made again from the rows that are there now."""

import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from foundation.db import fetch_all
from foundation.models import LedgerSeal
from foundation.services.ledgers import Ledger, all_ledgers, checking_sql
from foundation.services.proofs import SAMPLES, Found

log = logging.getLogger(__name__)

SEALS_AT_ONCE = 50
NAMED = 10  # broken links and rows of one that are told in full; the others are counted
UNSEALED_TOO_LONG = timedelta(hours=1)
MARK = struct.Struct(">q8s")


class Seal(NamedTuple):
    """A block as it was sealed, and whether it still fits."""

    number: int
    layout: int
    first_id: int
    last_id: int
    row_count: int
    previous_sha256: str
    sha256: str
    rows_fit: bool
    seal_fits: bool | None


@dataclass(frozen=True, slots=True)
class Broken:
    """
    One link that does not hold. `code` says why: ROWS, SEAL, CHAIN, MISSING, KEPT, STATE.

    Ids are those that can be named; a seal that was itself changed names none.
    """

    ledger: str
    code: str
    number: int = 0
    first_id: int = 0
    last_id: int = 0
    changed: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)

    @property
    def samples(self) -> list[str]:
        """What the page of proofs shows: the ledger with each row, or with the number of the seal."""
        ids = [*self.changed, *self.missing, *self.added]
        return [f"{self.ledger} {one}" for one in ids] or [f"{self.ledger} #{self.number}"]


@dataclass(slots=True)
class Verdict:
    """What proving one ledger came to. `head` is the last seal: kept elsewhere, it proves all before it later."""

    ledger: str
    row_count: int = 0
    seal_count: int = 0
    broken_count: int = 0
    wrong_count: int = 0
    broken: list[Broken] = field(default_factory=list)
    head: Seal | None = None
    unsealed_count: int = 0
    unsealed_since: datetime | None = None

    def add(self, broken: Broken) -> None:
        """Count one more link and the rows that it names, and keep it if it is among the first."""
        self.broken_count += 1
        self.wrong_count += len(broken.samples)
        if len(self.broken) < NAMED:
            self.broken.append(broken)


def verify(
    ledger: Ledger, *, from_number: int = 1, tell: Callable[[Verdict], object] = lambda verdict: None
) -> Verdict:
    """
    Make every seal of a ledger again, from the block `from_number` on; goes on behind a broken one.

    Reads while others write: what is sealed does not change. `tell` hears of each part of SEALS_AT_ONCE blocks.
    """
    verdict = Verdict(ledger.name)
    last = _seal_before(ledger, from_number)
    for seal in _seals(ledger, after=from_number - 1):
        for broken in _judge(ledger, seal, last):
            verdict.add(broken)
        last = verdict.head = seal
        verdict.row_count += seal.row_count
        verdict.seal_count += 1
        if verdict.seal_count % SEALS_AT_ONCE == 0:
            tell(verdict)
    _look_at_states(ledger, verdict)
    _look_behind(ledger, verdict, last)
    return verdict


def _seals(ledger: Ledger, *, after: int) -> Iterator[Seal]:
    sql = checking_sql("check_seals", ledger)
    while rows := fetch_all(sql, {"ledger": ledger.name, "after": after, "limit": SEALS_AT_ONCE}):
        yield from map(Seal._make, rows)
        after = rows[-1][0]


def _seal_before(ledger: Ledger, number: int) -> Seal | None:
    """The seal that the first one must follow; it is not looked into."""
    one = LedgerSeal.objects.defer("marks").filter(ledger=ledger.name, number=number - 1).first()
    if one is None:
        return None
    place = (one.number, one.layout, one.first_id, one.last_id, one.row_count)
    return Seal(*place, one.previous_sha256, one.sha256, rows_fit=True, seal_fits=True)


def _judge(ledger: Ledger, seal: Seal, last: Seal | None) -> Iterator[Broken]:
    """The faults of a seal: one before it is gone, its rows are others, it is another, it follows another."""
    place = (seal.number, seal.first_id, seal.last_id)
    number, last_id, sha256 = (last.number, last.last_id, last.sha256) if last else (0, 0, "")
    follows = seal.number == number + 1
    if not follows:
        gone = number + 1 if last else seal.number - 1
        yield Broken(ledger.name, "MISSING", gone, last_id + 1, seal.first_id - 1)
    if not seal.rows_fit and 1 <= seal.layout <= len(ledger.layouts):
        yield _named(ledger, seal)
    elif not seal.seal_fits:
        yield Broken(ledger.name, "SEAL", *place)
    elif follows and (seal.previous_sha256 != sha256 or seal.first_id != last_id + 1):
        yield Broken(ledger.name, "CHAIN", *place)


def _named(ledger: Ledger, seal: Seal) -> Broken:
    """Which rows of a block no longer fit their marks."""
    ((sealed, found),) = fetch_all(checking_sql("block_marks", ledger), {"ledger": ledger.name, "number": seal.number})
    was, now = _marks(sealed), _marks(found)
    return Broken(
        ledger.name, "ROWS", seal.number, seal.first_id, seal.last_id,
        changed=sorted(one for one in was.keys() & now.keys() if was[one] != now[one]),
        missing=sorted(was.keys() - now.keys()), added=sorted(now.keys() - was.keys()),
    )  # fmt: skip


def _marks(packed: bytes) -> dict[int, bytes]:
    whole = len(packed) - len(packed) % MARK.size  # marks that were cut are no reason to stop
    return dict(MARK.iter_unpack(bytes(packed)[:whole]))


def _look_at_states(ledger: Ledger, verdict: Verdict) -> None:
    if not ledger.disagreeing:
        return
    numbered = f"SELECT id, count(*) OVER () FROM ({ledger.disagreeing}) found ORDER BY id LIMIT {NAMED}"
    rows = fetch_all(numbered)
    if rows:
        verdict.add(
            Broken(ledger.name, "STATE", first_id=rows[0][0], last_id=rows[-1][0], changed=[r[0] for r in rows])
        )
        verdict.wrong_count += rows[0][1] - len(rows)


def _look_behind(ledger: Ledger, verdict: Verdict, last: Seal | None) -> None:
    """How many rows no seal holds yet, and since when."""
    sql = f'SELECT count(*), min("{ledger.at}") FROM {ledger.table} WHERE id > %(last_id)s'
    ((verdict.unsealed_count, verdict.unsealed_since),) = fetch_all(sql, {"last_id": last.last_id if last else 0})


def check_kept(ledger: Ledger, verdict: Verdict, kept: list[tuple[int, str]]) -> None:
    """Seals that were written down elsewhere, by number and fingerprint, must still be there."""
    for number, sha256 in kept:
        if not LedgerSeal.objects.filter(ledger=ledger.name, number=number, sha256=sha256).exists():
            verdict.add(Broken(ledger.name, "KEPT", number))


def prove(*, now: datetime) -> list[Found]:
    """The nightly proof of all seals; logs the last seal of each ledger, for whoever keeps logs elsewhere."""
    rows, wrong, samples = 0, 0, list[Any]()
    for ledger in all_ledgers():
        verdict = verify(ledger)
        rows += verdict.row_count
        wrong += verdict.wrong_count
        samples += [sample for broken in verdict.broken for sample in broken.samples]
        if verdict.unsealed_since is not None and now - verdict.unsealed_since > UNSEALED_TOO_LONG:
            wrong += verdict.unsealed_count
            samples.append(f"{ledger.name} > #{verdict.head.number if verdict.head else 0}")
        if verdict.head is not None:
            facts = {"ledger": ledger.name, "number": verdict.head.number, "sha256": grouped(verdict.head.sha256)}
            log.info("ledger_head", extra=facts)
    return [Found("seals", rows, wrong, samples[:SAMPLES])]


def grouped(sha256: str) -> str:
    """A fingerprint in groups of eight: easier to compare, and never eleven digits that logs would mask."""
    return "-".join(sha256[start : start + 8] for start in range(0, len(sha256), 8))
