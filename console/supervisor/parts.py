"""What `up` keeps running, and in which order it stops."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# In background at most one process each is busy with jobs and with asking providers; one is left for freezes.
LANES = {"clock": 1, "urgent": 1, "inbound": 1, "bulk": 2, "background": 3}
GRACE_SECONDS = 30.0
SHORT_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Part:
    """
    One program. Parts with a lower `stage` stop first, together.

    `grace_seconds` is how long it may finish what it began after SIGTERM.
    """

    name: str
    argv: tuple[str, ...]
    stage: int
    grace_seconds: float = SHORT_GRACE_SECONDS


def all_parts(project: Path, environ: Mapping[str, str]) -> list[Part]:
    """In order of starting. The clock stops first, then work, then those who are called by work."""
    return [
        simulator(project, environ["SIMULATOR_PORT"]),
        web(environ["WEB_PORT"]),
        *(worker(lane, count) for lane, count in LANES.items()),
        beat(),
    ]


def beat() -> Part:
    # Celery's SIGTERM handler may wait for a query it interrupted; nothing is lost when Beat is killed.
    return Part("beat", _celery("beat"), stage=1, grace_seconds=3.0)


def worker(lane: str, count: int) -> Part:
    flags = ("-Q", lane, "-c", str(count), "-n", f"{lane}@%h", "-P", "prefork")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Part(lane, _celery("worker", *flags, *quiet), stage=2, grace_seconds=GRACE_SECONDS)


def simulator(project: Path, port: str) -> Part:
    return Part("simulator", (sys.executable, str(project / "manage.py"), "simulator", "--port", port), stage=3)


def web(port: str) -> Part:
    address = ("--host", "127.0.0.1", "--port", port)
    size = ("--workers", "1", "--blocking-threads", "4", "--no-ws")
    granian = (sys.executable, "-m", "granian", "--interface", "wsgi")
    return Part("web", (*granian, *address, *size, "console.wsgi:application"), stage=4)


def _celery(command: str, *flags: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "console", command, "-l", "INFO", *flags)
