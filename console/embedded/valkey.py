"""The embedded Valkey: Celery's broker and the cache."""

import re
import secrets
import signal
import socket
import time
from pathlib import Path

from console.embedded.account import give
from console.embedded.errors import DidNotStart, EmbeddedError
from console.embedded.files import last_lines, read_json, write_private
from console.embedded.place import Place
from console.embedded.programs import valkey_binary
from console.embedded.running import Running, end, inhabitants, is_alive, launch, lives_in, started_at

NAME = "valkey-server"
BROKER_NUMBER = 0
CACHE_NUMBER = 1
READY_SECONDS = 60.0
STOP_STEPS = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 5.0))


def find(place: Place) -> Running | None:
    """The server that works in this place, whoever started it."""
    port = _configured(place, "port")
    recorded = read_json(place.services).get("broker", {}).get("pid", 0)
    if lives_in(recorded, place.broker, NAME):
        pid: int | None = recorded
    else:
        pid = next(iter(inhabitants(place.broker, NAME)), None)
    since = started_at(pid) if pid else None
    if pid is None or since is None or port is None:
        return None
    return Running(pid=pid, started_at=since, port=int(port))


def start(place: Place, port: int) -> Running:
    """Start the server and wait until it answers. Raises EmbeddedError with the end of its log."""
    binary = valkey_binary(place)
    if not place.broker.exists():
        place.broker.mkdir(mode=0o700)
        give(place.broker, place.account)
    configuration = _configure(place, port)
    log = place.logs / "valkey.log"
    child = launch([binary, configuration], place, place.broker, log)
    since = started_at(child.pid)
    if since is None:
        raise DidNotStart(f"Valkey did not start. The end of {log}:\n{last_lines(log)}")
    running = Running(pid=child.pid, started_at=since, port=port)
    wait_ready(place, running)
    return running


def wait_ready(place: Place, running: Running) -> None:
    """Wait for an answer; a server that still reads its log of commands is waited for."""
    log = place.logs / "valkey.log"
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(place, running.port):
        if not is_alive(running.pid, running.started_at):
            raise DidNotStart(f"Valkey did not start. The end of {log}:\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Valkey does not answer after {READY_SECONDS:.0f} s; see {log}.")
        time.sleep(0.01)


def stop(running: Running) -> None:
    if not end(running.pid, running.started_at, STOP_STEPS):
        raise EmbeddedError(f"Valkey (pid {running.pid}) does not stop.")


def address(place: Place, port: int, number: int) -> str:
    return f"redis://:{_configured(place, 'requirepass')}@127.0.0.1:{port}/{number}"


def _configure(place: Place, port: int) -> Path:
    """The password goes into a file that only the service reads: arguments are seen by everybody."""
    # The password of the last time stays, so that a restart does not lock out who is connected.
    password = _configured(place, "requirepass") or secrets.token_urlsafe(24)
    durable = "no" if place.throwaway else "yes"
    lines = (
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f"appendonly {durable}",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
    )
    path = place.broker / "valkey.conf"
    write_private(path, "\n".join(lines) + "\n", place.account)
    return path


def _configured(place: Place, name: str) -> str | None:
    try:
        text = (place.broker / "valkey.conf").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return found[1] if found else None


def _answers(place: Place, port: int) -> bool:
    question = f"AUTH {_configured(place, 'requirepass')}\r\nPING\r\n".encode("ascii")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(question)
            answer = b""
            while answer.count(b"\r\n") < 2:
                piece = connection.recv(1024)
                if not piece:
                    break
                answer += piece
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
