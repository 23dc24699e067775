"""One `up` per state folder: who runs it, and how others find it."""

import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from console.embedded.errors import EmbeddedError
from console.embedded.files import read_json, write_json
from console.embedded.place import Place
from console.embedded.running import end, is_alive, started_at, wait_until

# The longest orderly stop: workers' grace, then everything else.
STOP_SECONDS = 150.0
LEFTOVER_STEPS = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 5.0))


@contextmanager
def sole_instance(place: Place) -> Iterator[None]:
    """Hold the place for one `up`. Raises EmbeddedError that says who has it."""
    lock = os.open(place.lock("up"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EmbeddedError(_taken(place)) from error
        _end_leftovers(place)
        try:
            yield
        finally:
            place.supervisor.unlink(missing_ok=True)
    finally:
        os.close(lock)


def announce(place: Place, environ: Mapping[str, str], parts: list[dict[str, object]]) -> None:
    """Write down who runs here, for `status`, `stop` and other commands."""
    pid = os.getpid()
    content = {"pid": pid, "started_at": started_at(pid), "parts": parts}
    names = ("WEB_URL", "SIMULATOR_URL", "WEB_PORT", "SIMULATOR_PORT")
    write_json(place.supervisor, content | {name: environ[name] for name in names if name in environ})


def running_instance(place: Place) -> dict[str, Any] | None:
    """What the living `up` of this place wrote down; None when there is none."""
    if not place.lock("up").exists():
        return None
    lock = os.open(place.lock("up"), os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_json(place.supervisor)
    else:
        return None
    finally:
        os.close(lock)


def stop_instance(place: Place) -> bool:
    """
    Ask the `up` of this place to stop and wait for it. Returns whether there was one.

    Raises EmbeddedError when it cannot be asked or does not stop.
    """
    found = running_instance(place)
    if found is None:
        return False
    pid = found.get("pid", 0)
    if not is_alive(pid, found.get("started_at") or 0.0):
        raise EmbeddedError("It is just starting; try again in a moment.")
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError as error:
        raise EmbeddedError(f"It belongs to another user (pid {pid}); stop it as that user.") from error
    if not wait_until(lambda: running_instance(place) is None, STOP_SECONDS):
        raise EmbeddedError(f"It does not stop (pid {pid}); look at {place.logs}.")
    return True


def _end_leftovers(place: Place) -> None:
    """Parts of an `up` that was killed end by themselves on Linux; elsewhere they must be told."""
    for part in read_json(place.supervisor).get("parts", []):
        pid, since = part.get("pid", 0), part.get("started_at", 0.0)
        if is_alive(pid, since):
            end(pid, since, LEFTOVER_STEPS)
    place.supervisor.unlink(missing_ok=True)


def _taken(place: Place) -> str:
    found = read_json(place.supervisor)
    where = f" at {found['WEB_URL']}" if found.get("WEB_URL") else ""
    return (
        f"The console already runs{where} (pid {found.get('pid', 'unknown')}, state in {place.folder}). "
        "Stop it with `make stop`, or give this one its own STATE_DIR."
    )
