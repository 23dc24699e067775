"""
The simulated carrier: an HTTP server with a memory of its own.

It keeps what it accepted in a SQLite file, so a restart loses no receipt and a test can ask whom it
really wrote to. Started by `python manage.py simulator`.
"""

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx

from delivery.adapters.simulator.scenario import Scenario, fate

MAX_BODY = 5 * 1024 * 1024
PUSH_LIMIT = 200
SCHEMA = """
CREATE TABLE IF NOT EXISTS accepted (
    vendor_id TEXT PRIMARY KEY, channel TEXT NOT NULL, reference TEXT NOT NULL, phone TEXT NOT NULL,
    text TEXT NOT NULL, accepted_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS due (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, callback TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS due_at ON due (at);
CREATE TABLE IF NOT EXISTS callbacks (channel TEXT PRIMARY KEY, callback TEXT NOT NULL);
"""


class Carrier:
    """What was accepted and what is still to be told. Safe to use from several threads."""

    def __init__(self, *, path: Path, scenario: Scenario, seed: str) -> None:
        self._scenario = scenario
        self._seed = seed
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db:
            yield self._db

    def submit(self, channel: str, callback: str, people: list[dict[str, str]]) -> list[dict[str, str]]:
        """Accept or refuse each person, and plan receipts and replies."""
        time.sleep(self._scenario.seconds_per_call)
        now = time.time()
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO callbacks VALUES (?, ?)", (channel, callback))
            return [self._take(db, channel, callback, person, now) for person in people]

    def _take(
        self, db: sqlite3.Connection, channel: str, callback: str, person: dict[str, str], now: float
    ) -> dict[str, str]:
        reference = person["reference"]
        lot = fate(self._scenario, seed=self._seed, reference=reference)
        if lot.is_refused:
            return {"reference": reference, "status": "refused", "category": "NUMBER", "code": "BAD_NUMBER"}
        vendor_id = uuid.uuid4().hex
        db.execute(
            "INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?)",
            (vendor_id, channel, reference, person["phone"], person["text"], now),
        )
        if lot.receipt_code:
            told = {"vendor_id": vendor_id, "code": lot.receipt_code}
            self._plan(db, now + lot.receipt_delay, callback, "receipts", told)
        if lot.reply:
            said = {"vendor_id": uuid.uuid4().hex, "phone": person["phone"], "text": lot.reply}
            self._plan(db, now + lot.receipt_delay + self._scenario.reply_delay, callback, "replies", said)
        return {"reference": reference, "status": "accepted", "vendor_id": vendor_id}

    def reply(self, phone: str, text: str) -> bool:
        """A person writes back to the last message they got; False when they never got one."""
        with self._transaction() as db:
            row = db.execute(
                "SELECT callback FROM callbacks WHERE channel = (SELECT channel FROM accepted WHERE phone = ?"
                " ORDER BY accepted_at DESC LIMIT 1)", (phone,),
            ).fetchone()  # fmt: skip
            if row is None:
                return False
            said = {"vendor_id": uuid.uuid4().hex, "phone": phone, "text": text}
            self._plan(db, time.time(), row[0], "replies", said)
            return True

    @staticmethod
    def _plan(db: sqlite3.Connection, at: float, callback: str, kind: str, body: dict[str, str]) -> None:
        db.execute(
            "INSERT INTO due (at, callback, kind, body) VALUES (?, ?, ?, ?)", (at, callback, kind, json.dumps(body))
        )

    def accepted(self) -> list[dict[str, str]]:
        """Everybody who was really written to, in order."""
        with self._transaction() as db:
            rows = db.execute("SELECT reference, phone, text, channel FROM accepted ORDER BY accepted_at").fetchall()
        return [dict(zip(("reference", "phone", "text", "channel"), row, strict=True)) for row in rows]

    def push_due(self, client: httpx.Client) -> int:
        """Tell the console what is due; what it does not take is told again later. Returns how many were taken."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id, callback, kind, body FROM due WHERE at <= ? ORDER BY at LIMIT ?", (time.time(), PUSH_LIMIT)
            ).fetchall()
        groups: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for row_id, callback, kind, body in rows:
            groups.setdefault((callback, kind), []).append((row_id, body))
        return sum(self._push(client, callback, kind, told) for (callback, kind), told in groups.items())

    def _push(self, client: httpx.Client, callback: str, kind: str, told: list[tuple[int, str]]) -> int:
        stamp = {"at": datetime.now(UTC).isoformat()}
        body = {kind: [json.loads(one) | stamp for _row_id, one in told]}
        try:
            answer = client.post(f"{callback}/{kind}/", json=body)
        except httpx.HTTPError:
            answer = None
        if answer is None or answer.status_code >= 500:
            with self._transaction() as db:
                db.executemany("UPDATE due SET at = ? WHERE id = ?", [(time.time() + 2, i) for i, _one in told])
            return 0
        with self._transaction() as db:
            db.executemany("DELETE FROM due WHERE id = ?", [(i,) for i, _one in told])
        return len(told)


class Handler(BaseHTTPRequestHandler):
    """`POST /submit/<channel>`, `POST /reply`, `GET /accepted`, `GET /healthz`."""

    protocol_version = "HTTP/1.1"
    carrier: ClassVar[Carrier]

    def do_GET(self) -> None:
        """What was accepted, or that the carrier lives."""
        if self.path == "/healthz":
            return self._answer(200, {"ok": True})
        if self.path == "/accepted":
            return self._answer(200, {"accepted": self.carrier.accepted()})
        return self._answer(404, {"error": "unknown path"})

    def do_POST(self) -> None:
        """A submit from the console, or a reply played by a person."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            return self._answer(413, {"error": "too large"})
        try:
            body = json.loads(self.rfile.read(length))
            return self._answer(200, self._do(body))
        except (ValueError, KeyError, TypeError) as broken:
            return self._answer(400, {"error": f"{type(broken).__name__}: {broken}"})

    def _do(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.path.startswith("/submit/"):
            channel = self.path.removeprefix("/submit/")
            return {"results": self.carrier.submit(channel, body["callback"], body["people"])}
        if self.path == "/reply":
            return {"taken": self.carrier.reply(body["phone"], body["text"])}
        raise ValueError("unknown path")

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: bodies and phones never reach a log."""


class Server(ThreadingHTTPServer):
    """Listens at once after a restart and dies with its process."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def serve(*, carrier: Carrier, host: str, port: int) -> Server:
    """A server that answers on `host:port` in a thread of its own; port 0 chooses a free one."""
    handler = type("BoundHandler", (Handler,), {"carrier": carrier})
    server = Server((host, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def push_for_ever(*, carrier: Carrier, stop: threading.Event) -> None:
    """Tell the console what is due, until `stop` is set."""
    with httpx.Client(timeout=5, trust_env=False) as client:
        while not stop.is_set():
            if not carrier.push_due(client):
                stop.wait(0.2)
