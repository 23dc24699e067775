"""What the simulated carrier remembers, in SQLite: whom it accepted, what it still has to tell, what was spent."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

VERSION: Final = 2
SCHEMA: Final = """
DROP TABLE IF EXISTS accepted;
DROP TABLE IF EXISTS due;
DROP TABLE IF EXISTS callbacks;
CREATE TABLE accepted (
    id INTEGER PRIMARY KEY, vendor_id TEXT NOT NULL, channel TEXT NOT NULL, reference TEXT NOT NULL,
    phone TEXT NOT NULL, text TEXT NOT NULL, parts INTEGER NOT NULL, accepted_at REAL NOT NULL);
CREATE INDEX accepted_reference ON accepted (reference);
CREATE INDEX accepted_phone ON accepted (phone);
CREATE TABLE due (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX due_at ON due (at, id);
CREATE TABLE callbacks (channel TEXT PRIMARY KEY, callback TEXT NOT NULL);
CREATE TABLE spent (channel TEXT PRIMARY KEY, amount INTEGER NOT NULL);
CREATE TABLE serial (last INTEGER NOT NULL);
INSERT INTO serial VALUES (0);
PRAGMA user_version = 2;
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One person who was accepted. The same reference may stand here twice: that is what tests look for."""

    id: int
    vendor_id: str
    channel: str
    reference: str
    phone: str
    text: str
    parts: int
    accepted_at: float


@dataclass(frozen=True, slots=True)
class Due:
    """A receipt or a reply to be told at an instant (seconds since 1970): `kind` and its JSON."""

    id: int
    at: float
    channel: str
    kind: str
    body: str

    def content(self) -> dict[str, Any]:
        """What is told."""
        content: dict[str, Any] = json.loads(self.body)
        return content


class Memory:
    """A SQLite file, or ":memory:". Safe to use from several threads; a killed process loses nothing committed."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        # Only a power cut could lose what was committed, and then nobody asks a simulator.
        self._db.execute("PRAGMA synchronous=OFF")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is written together, or not at all."""
        with self._lock, self._db:
            yield

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._db.close()

    def last_serial(self) -> int:
        """The last number that was given to a person or to something due."""
        return int(self._value("SELECT last FROM serial"))

    def keep_serial(self, last: int) -> None:
        """Numbers up to `last` are used."""
        self._db.execute("UPDATE serial SET last = ?", (last,))

    def keep_callback(self, channel: str, callback: str) -> None:
        """Where the receipts and replies of a channel go."""
        self._db.execute("INSERT OR REPLACE INTO callbacks VALUES (?, ?)", (channel, callback))

    def callback(self, channel: str) -> str:
        """Where the receipts and replies of a channel go; empty when nobody said."""
        return str(self._value("SELECT callback FROM callbacks WHERE channel = ?", channel) or "")

    def add_taken(self, taken: Iterable[Taken]) -> None:
        """Write down who was accepted."""
        rows = [
            (one.id, one.vendor_id, one.channel, one.reference, one.phone, one.text, one.parts, one.accepted_at)
            for one in taken
        ]
        self._db.executemany("INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def taken(self) -> list[Taken]:
        """Everybody who was accepted, in order."""
        with self._lock:
            return [Taken(*row) for row in self._db.execute("SELECT * FROM accepted ORDER BY id")]

    def taken_from(self, number: int) -> Taken | None:
        """The first one accepted at or after a number."""
        return self._one("SELECT * FROM accepted WHERE id >= ? ORDER BY id LIMIT 1", number)

    def latest_to(self, phone: str) -> Taken | None:
        """The last one accepted for a phone."""
        return self._one("SELECT * FROM accepted WHERE phone = ? ORDER BY id DESC LIMIT 1", phone)

    def known_by(self, channel: str, reference: str, until: float) -> Taken | None:
        """The first one accepted under a reference, not later than `until`."""
        sql = "SELECT * FROM accepted WHERE reference = ? AND channel = ? AND accepted_at <= ? ORDER BY id LIMIT 1"
        return self._one(sql, reference, channel, until)

    def spent(self, channel: str) -> int:
        """What a channel has spent, in 1/10000 yuan."""
        return int(self._value("SELECT amount FROM spent WHERE channel = ?", channel) or 0)

    def keep_spent(self, channel: str, amount: int) -> None:
        """What a channel has spent now."""
        self._db.execute("INSERT OR REPLACE INTO spent VALUES (?, ?)", (channel, amount))

    def add_due(self, rows: Iterable[Due]) -> None:
        """Plan to tell something."""
        values = [(one.id, one.at, one.channel, one.kind, one.body) for one in rows]
        self._db.executemany("INSERT INTO due VALUES (?, ?, ?, ?, ?)", values)

    def due(self, *, until: float, limit: int, channel: str | None = None) -> list[Due]:
        """What is to be told not later than `until`, of one channel or of all, the oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM due WHERE at <= ? AND channel = coalesce(?, channel) ORDER BY at, id LIMIT ?",
                (until, channel, limit),
            )
            return [Due(*row) for row in rows]

    def forget_due(self, ids: Sequence[int]) -> None:
        """It was told."""
        with self.transaction():
            self._db.executemany("DELETE FROM due WHERE id = ?", [(one,) for one in ids])

    def put_off(self, ids: Sequence[int], *, until: float) -> None:
        """It was not heard: tell it again."""
        with self.transaction():
            self._db.executemany("UPDATE due SET at = ? WHERE id = ?", [(until, one) for one in ids])

    def _one(self, sql: str, *params: object) -> Taken | None:
        with self._lock:
            row = self._db.execute(sql, params).fetchone()
        return Taken(*row) if row else None

    def _value(self, sql: str, *params: object) -> Any:
        with self._lock:
            row = self._db.execute(sql, params).fetchone()
        return row[0] if row else None
