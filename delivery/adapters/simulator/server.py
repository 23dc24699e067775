"""
The simulated carrier as an HTTP server; started by `python manage.py simulator`.

`POST /submit/<channel>`, `POST /query/<channel>`, `GET /balance/<channel>` are what a provider has;
`POST /reply`, `GET /accepted`, `GET /healthz` are for people and tests. 400, 413 and 429 mean that nobody was taken.
"""

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

from delivery.adapters.simulator.carrier import Call, Carrier
from delivery.adapters.simulator.fate import Fault
from delivery.adapters.simulator.push import EARLY_SECONDS, Pusher

MAX_BODY: Final = 5 * 1024 * 1024
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    timeout = 60.0
    carrier: ClassVar[Carrier]
    pusher: ClassVar[Pusher]

    def do_GET(self) -> None:
        """What is left of the money, what was accepted, or that the carrier lives."""
        place, _slash, channel = self.path.strip("/").partition("/")
        if self.path == "/healthz":
            return self._answer(200, {"ok": True})
        if self.path == "/accepted":
            return self._answer(200, {"accepted": self.carrier.accepted()})
        if place == "balance" and channel:
            return self._answer(200, {"balance": self.carrier.balance(channel)})
        return self._answer(404, {"error": "unknown path"})

    def do_POST(self) -> None:
        """A submit or a query from the console, or a reply played by a person."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self._answer(413, {"error": "too large"})
        place, _slash, channel = self.path.strip("/").partition("/")
        doing = {"submit": self._submit, "query": self._query, "reply": self._reply}.get(place)
        if doing is None:
            return self._answer(404, {"error": "unknown path"})
        try:
            return doing(channel, json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, TypeError) as broken:
            return self._answer(400, {"error": f"{type(broken).__name__}: {broken}"})

    def _submit(self, channel: str, body: dict[str, Any]) -> None:
        # The wait comes first: a client that dies meanwhile has its people accepted all the same.
        time.sleep(self.carrier.scenario().seconds_per_call)
        call = self.carrier.submit(channel, body["people"], callback=body["callback"])
        if call.early:
            self.pusher.push(call.early, seconds=EARLY_SECONDS)
        self._end(call)

    def _end(self, call: Call) -> None:
        """Answer, or fail to, as the call's fault wants it."""
        if call.fault == Fault.THROTTLE:
            return self._answer(429, {"error": "too fast"}, {"Retry-After": str(call.retry_after)})
        if call.fault in (Fault.ERROR, Fault.ERROR_AFTER_ACCEPT):
            return self._answer(500, {"error": "out of order"})
        if call.fault == Fault.TIMEOUT:
            time.sleep(self.carrier.scenario().hold_seconds)
            self.close_connection = True
            return None
        if call.fault == Fault.RESET:
            return self._reset()
        data = json.dumps({"results": call.results}).encode()
        if call.fault == Fault.HALF_ANSWER:
            self.close_connection = True
            return self._send(200, data, upto=len(data) // 2)
        return self._send(200, data)

    def _query(self, channel: str, body: dict[str, Any]) -> None:
        references = [str(one["reference"]) for one in body["questions"]]
        self._answer(200, {"answers": self.carrier.query(channel, references)})

    def _reply(self, _channel: str, body: dict[str, Any]) -> None:
        self._answer(200, {"taken": self.carrier.reply(body["phone"], body["text"])})

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), headers=headers)

    def _send(
        self, status: int, data: bytes, *, headers: dict[str, str] | None = None, upto: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:upto])

    def _reset(self) -> None:
        """Close so that the other side sees a reset, not an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: bodies and phones never reach a log."""


class Server(ThreadingHTTPServer):
    """Listens at once after a restart and dies with its process."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news: killing clients is what this server is for."""


def serve(*, carrier: Carrier, host: str, port: int) -> Server:
    """A server that answers on `host:port` in a thread of its own; port 0 chooses a free one."""
    handler = type("BoundHandler", (Handler,), {"carrier": carrier, "pusher": Pusher(carrier)})
    server = Server((host, port), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
