"""Starting, recognizing and ending programs that outlive the command that started them."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from console.embedded.files import open_log
from console.embedded.place import Place

SET_PARENT_DEATH_SIGNAL = 1
POLL_SECONDS = 0.02
# Start times come from a clock that may be set while the program runs.
START_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True)
class Running:
    """A program that is up: `started_at` (seconds since 1970) tells it from a later one with its pid."""

    pid: int
    started_at: float
    port: int

    def record(self) -> dict[str, float]:
        return asdict(self)


def started_at(pid: int) -> float | None:
    """When the program with this pid started; None when there is none, or only its remains."""
    reap(pid)
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.Error:
        return None


def is_alive(pid: int, since: float) -> bool:
    """Whether the program that had this pid at that time still runs."""
    found = started_at(pid)
    return found is not None and abs(found - since) < START_TOLERANCE_SECONDS


def lives_in(pid: int, folder: Path, name: str) -> bool:
    """Whether this pid is a program of that name working in that folder: pids are used again by others."""
    try:
        found = psutil.Process(pid)
        return found.name() == name and found.cwd() == str(folder.resolve())
    except psutil.Error:
        return False


def inhabitants(folder: Path, name: str) -> list[int]:
    """Every program of that name that works in that folder."""
    named = (found.pid for found in psutil.process_iter(["name"]) if found.info["name"] == name)
    return [pid for pid in named if lives_in(pid, folder, name)]


def reap(pid: int) -> None:
    """Collect a dead child of ours; other people's children are theirs to collect."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(pid: int, since: float, steps: Iterable[tuple[signal.Signals, float]]) -> bool:
    """Send signals in turn, each with its patience in seconds, until the program is gone."""
    for number, patience_seconds in steps:
        if not is_alive(pid, since):
            return True
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        if wait_until(lambda: not is_alive(pid, since), patience_seconds):
            return True
    return not is_alive(pid, since)


def launch(argv: Sequence[str | Path], place: Place, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """
    Start a service as the place's account, in a session of its own so that Ctrl-C does not reach it.

    A throw-away service dies with its parent (Linux only).
    """
    user, group, groups = identity(place)
    descriptor = open_log(log)
    try:
        return subprocess.Popen(
            [str(piece) for piece in argv],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGINT) if place.throwaway else None,
            user=user,
            group=group,
            extra_groups=groups,
        )
    finally:
        os.close(descriptor)


def identity(place: Place) -> tuple[int | None, int | None, list[int] | None]:
    """User, group and further groups for subprocess: the account root lends, else the caller's own."""
    if place.account is None:
        return None, None, None
    return place.account.uid, place.account.gid, []


def clean_environment() -> dict[str, str]:
    """What a service may know: no PG* variables, no language, no secrets of ours."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """
    A function for `preexec_fn` that asks Linux for a signal when the parent dies; None elsewhere.

    It runs after the change of user, which would clear the request. Only for a single-threaded parent.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(SET_PARENT_DEATH_SIGNAL, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def free_port(preferred: Sequence[int] = ()) -> int:
    """A TCP port on 127.0.0.1 nobody listens on; the preferred ones are tried first."""
    for port in (*preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free TCP port on 127.0.0.1")
