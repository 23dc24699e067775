"""`python manage.py verify_ledgers`: proves that nobody rewrote what the ledgers say."""

import re
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation import clock
from foundation.services.ledgers import Ledger, all_ledgers
from foundation.services.verifying import NAMED, Broken, Verdict, check_kept, grouped, verify

HEAD = re.compile(r"\bhead (\w+) (\d+) ([0-9a-f]{8}(?:-[0-9a-f]{8}){7})")
REASONS = {
    "SEAL": "the seal itself was changed; its rows are as they were sealed",
    "CHAIN": "it does not follow the seal before it: that one was made anew or moved",
    "MISSING": "the seal is gone, and what it held can't be proved",
    "KEPT": "it is not the seal that was kept elsewhere: seals from here on were made anew or are gone",
    "STATE": "the state is not what the undos say",
}


class Command(BaseCommand):
    help = "Make every seal of the ledgers again and name the first link that is broken; the exit code is then 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which ledger, from which block on, against which heads."""
        parser.add_argument("--ledger", choices=[one.name for one in all_ledgers()], help="only this one")
        parser.add_argument("--from-number", type=int, default=1, help="begin at this block")
        parser.add_argument("--kept", type=Path, help="an earlier output of this command, kept elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prove, print, and end with 1 if anything does not fit. Works while others write."""
        if options["from_number"] < 1:
            raise CommandError("Blocks are counted from 1.")
        kept = _heads(options["kept"])
        chosen = [one for one in all_ledgers() if options["ledger"] in (None, one.name)]
        broken_count = sum(self._prove(one, options["from_number"], kept.get(one.name, [])) for one in chosen)
        if broken_count:
            raise CommandError(f"The ledgers are not what was sealed. Broken links: {broken_count:,}.")

    def _prove(self, ledger: Ledger, from_number: int, kept: list[tuple[int, str]]) -> int:
        verdict = verify(ledger, from_number=from_number, tell=self._tell)
        check_kept(ledger, verdict, kept)
        self.stdout.write(_summary(verdict, now=clock.now()))
        for broken in verdict.broken:
            self.stdout.write(f"  {_sentence(broken)}")
        if verdict.broken_count > len(verdict.broken):
            self.stdout.write(f"  and {verdict.broken_count - len(verdict.broken):,} more")
        if verdict.head is not None:
            self.stdout.write(f"  head {verdict.ledger} {verdict.head.number} {grouped(verdict.head.sha256)}")
        return verdict.broken_count

    def _tell(self, verdict: Verdict) -> None:
        self.stderr.write(f"{verdict.ledger}: {verdict.row_count:,} rows")


def _heads(path: Path | None) -> dict[str, list[tuple[int, str]]]:
    """The heads in an earlier output, by ledger. Raises CommandError for a file that holds none."""
    if path is None:
        return {}
    try:
        found = HEAD.findall(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error
    if not found:
        raise CommandError(f"{path} holds no head of a ledger.")
    heads: dict[str, list[tuple[int, str]]] = {}
    for name, number, sha256 in found:
        heads.setdefault(name, []).append((int(number), sha256.replace("-", "")))
    return heads


def _summary(verdict: Verdict, *, now: datetime) -> str:
    word = "BROKEN" if verdict.broken_count else "ok"
    text = f"{verdict.ledger}: {word}, {verdict.row_count:,} rows in {verdict.seal_count:,} seals"
    if verdict.unsealed_since is None:
        return f"{text}, all are sealed"
    seconds = max(0, int((now - verdict.unsealed_since).total_seconds()))
    return f"{text}, {verdict.unsealed_count:,} not sealed yet, the oldest for {seconds:,} s"


def _sentence(broken: Broken) -> str:
    reason = REASONS.get(broken.code) or "; ".join(
        f"{word}: {_some(ids)}"
        for word, ids in (("changed", broken.changed), ("missing", broken.missing), ("added", broken.added)) if ids
    )  # fmt: skip
    if broken.code == "STATE":
        return f"{broken.ledger} rows {_some(broken.changed)}: {reason}"
    rows = f" (rows {broken.first_id:,} to {broken.last_id:,})" if broken.last_id else ""
    return f"{broken.ledger} seal {broken.number:,}{rows}: {reason}"


def _some(ids: list[int]) -> str:
    shown = ", ".join(str(one) for one in ids[:NAMED])
    return shown if len(ids) <= NAMED else f"{shown} and {len(ids) - NAMED:,} more"
