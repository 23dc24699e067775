"""How many marketing messages a phone may get: rolling windows over one ledger for all senders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

DAY: Final = timedelta(hours=24)
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits: hard in 24 hours, soft in 7 days, and the rest between two of the same text."""

    day_count: int
    week_count: int
    same_text: timedelta


@dataclass(frozen=True, slots=True)
class Entry:
    """A slot that a phone has used."""

    at: datetime
    fingerprint: UUID


@dataclass(frozen=True, slots=True)
class Over:
    """Why not now, and from when on it may be tried again."""

    reason: str
    free_at: datetime


def verdict(entries: Sequence[Entry], *, fingerprint: UUID, now: datetime, caps: Caps) -> Over | None:
    """
    None when one more message with `fingerprint` may go at `now`; else the first reason, hard cap first.

    `entries` are those of the last seven days in any order. Windows are half-open: an entry exactly
    24 hours old no longer counts. `free_at` is when the reason named is gone.
    """
    recent = sorted((entry.at for entry in entries if entry.at > now - DAY), reverse=True)
    if len(recent) >= caps.day_count:
        return Over("CAP_DAY", recent[caps.day_count - 1] + DAY)
    same = [entry.at for entry in entries if entry.fingerprint == fingerprint and entry.at > now - caps.same_text]
    if same:
        return Over("SAME_TEXT", max(same) + caps.same_text)
    week = sorted((entry.at for entry in entries if entry.at > now - WEEK), reverse=True)
    if len(week) >= caps.week_count:
        return Over("CAP_WEEK", week[caps.week_count - 1] + WEEK)
    return None
