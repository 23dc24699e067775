"""A text as the studio shows it: fields as chips, risky words marked, repaired, compared with an older one."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from templates_sms.rules.wording import Finding

_TOKEN = re.compile(r"\{[^{}]*\}|[a-z0-9]+|.", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text. `finding` is the number of the finding that a RISK is about."""

    kind: Literal["TEXT", "FIELD", "RISK"]
    text: str
    fallback: str = ""
    finding: int = -1


class Change(NamedTuple):
    """A stretch of two texts: in both, only in the older one (GONE), or only in the newer one (NEW)."""

    kind: Literal["SAME", "GONE", "NEW"]
    text: str


def marked(text: str, findings: Sequence[Finding]) -> list[Piece]:
    """A text in pieces that join to what is read; of findings that overlap the first is marked."""
    pieces: list[Piece] = []
    end = 0
    for number, finding in enumerate(findings):
        if finding.start < end:
            continue
        pieces += _plain(text[end : finding.start])
        pieces.append(Piece("RISK", text[finding.start : finding.end], finding=number))
        end = finding.end
    return pieces + _plain(text[end:])


def _plain(text: str) -> list[Piece]:
    pieces = []
    for part in re.split(r"(\{[^{}]*\})", text):
        if part.startswith("{"):
            name, _bar, fallback = part[1:-1].partition("|")
            pieces.append(Piece("FIELD", name.strip(), fallback.strip()))
        elif part:
            pieces.append(Piece("TEXT", part))
    return pieces


def repaired(text: str, findings: Iterable[Finding]) -> str:
    """A text with its findings repaired: the safer word where the list has one, else left out."""
    for finding in sorted(findings, key=lambda one: one.start, reverse=True):
        text = text[: finding.start] + finding.substitute + text[finding.end :]
    return text


def compare(older: str, newer: str) -> list[Change]:
    """What has changed between two texts, in reading order; a field or a word of letters counts as one."""
    before, after = _TOKEN.findall(older), _TOKEN.findall(newer)
    changes = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            changes.append(Change("SAME", "".join(before[i:j])))
            continue
        if i < j:
            changes.append(Change("GONE", "".join(before[i:j])))
        if k < m:
            changes.append(Change("NEW", "".join(after[k:m])))
    return changes
