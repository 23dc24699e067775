"""Who is right in the end: the vendor's own list against our ledger."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

OPEN = frozenset({"PLANNED", "CLAIMED"})
SENT = frozenset({"ACCEPTED", "DELIVERED", "UNDELIVERED", "UNREPORTED"})
NOT_SENT = frozenset({"EXCLUDED", "REFUSED", "EXPIRED", "CANCELLED"})
MOST_UNSURE_BP = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, as references of messages; `doubled_phones` are phones that one run wrote to twice."""

    planned: int
    states: Mapping[str, int]
    doubled: Sequence[str]
    doubled_phones: Sequence[str]
    lost: Sequence[str]  # neither sent nor ended
    denied: Sequence[str]  # the vendor took them, and the ledger says for certain that nobody did
    invented: Sequence[str]  # the ledger says they were taken, and the vendor knows nothing of them

    @property
    def unsure(self) -> int:
        """Messages of which nobody knows."""
        return self.states.get("UNSURE", 0)

    @property
    def unsure_bp(self) -> int:
        """Their share in basis points, rounded up."""
        return -(-self.unsure * 10_000 // self.planned)

    def broken(self) -> list[str]:
        """The promises that were not kept."""
        wrong = {
            "doubled": self.doubled, "doubled_phones": self.doubled_phones, "lost": self.lost, "denied": self.denied,
            "invented": self.invented,
        }  # fmt: skip
        found = [f"{name}: {len(some)}, for example {list(some)[:3]}" for name, some in wrong.items() if some]
        if self.unsure_bp >= MOST_UNSURE_BP:
            found.append(f"unsure: {self.unsure} of {self.planned}")
        return found


def taken_by(memory: Path) -> list[tuple[str, str]]:
    """Reference and phone of everybody the vendor accepted, as often as it did, from its own file."""
    with closing(sqlite3.connect(f"{memory.as_uri()}?mode=ro", uri=True, timeout=20)) as file:
        return list(file.execute("SELECT reference, phone FROM accepted ORDER BY id"))


def untold(memory: Path) -> int:
    """How many receipts and replies the vendor still has to tell."""
    with closing(sqlite3.connect(f"{memory.as_uri()}?mode=ro", uri=True, timeout=20)) as file:
        return int(file.execute("SELECT count(*) FROM due").fetchone()[0])


def judge(*, taken: Iterable[tuple[str, str]], ledger: Mapping[str, str]) -> Verdict:
    """Compare what the vendor took with the state of each message of one run."""
    listed = list(taken)
    references, phones = Counter(one for one, _phone in listed), Counter(phone for _one, phone in listed)
    return Verdict(
        planned=len(ledger),
        states=Counter(ledger.values()),
        doubled=sorted(one for one, times in references.items() if times > 1),
        doubled_phones=sorted(one for one, times in phones.items() if times > 1),
        lost=sorted(one for one, state in ledger.items() if state in OPEN),
        denied=sorted(one for one in references if ledger.get(one, "EXCLUDED") in NOT_SENT),
        invented=sorted(one for one, state in ledger.items() if state in SENT and one not in references),
    )
