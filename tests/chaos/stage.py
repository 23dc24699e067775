"""Real processes around the database of a test: a carrier, a web server for its receipts, workers that are killed."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from django.db import connection

from console.embedded.running import die_with_parent, free_port
from console.supervisor import parts

PROJECT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("busy_worker.py")
READY_SECONDS = 60


class Stage:
    """
    The processes of one run. Workers in `kept` are started again when they die, as a supervisor does.

    `clock_offset` is seconds between the business clock and the machine's.
    """

    def __init__(self, folder: Path, *, scenario: Path, clock_offset: int, lease_seconds: int = 2) -> None:
        self.folder = folder
        self.memory = folder / "simulator.sqlite3"
        self.kept: dict[str, subprocess.Popen[bytes]] = {}
        self.doomed: dict[str, subprocess.Popen[bytes]] = {}
        self.surprises: list[str] = []  # workers that ended though nobody killed them
        self._scenario = scenario
        self._carrier_port, self._web_port = free_port(), free_port()
        self._env = os.environ | {
            "DATABASE_URL": _database_address(), "STATE_DIR": str(folder), "LOG_LEVEL": "WARNING",
            "SIMULATOR_URL": self.carrier_url, "WEB_URL": f"http://127.0.0.1:{self._web_port}",
            "CLOCK_OFFSET_SECONDS": str(clock_offset), "MESSAGE_LEASE_SECONDS": str(lease_seconds),
            "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        self._others: list[subprocess.Popen[bytes]] = []

    @property
    def carrier_url(self) -> str:
        """Where the carrier listens."""
        return f"http://127.0.0.1:{self._carrier_port}"

    def __enter__(self) -> Self:
        (self.folder / "static").mkdir(exist_ok=True)
        scenario = ("--scenario", str(self._scenario))
        carrier = (*parts.simulator(PROJECT, str(self._carrier_port)).argv, *scenario)
        self._others = [
            self._start("carrier", carrier),
            self._start("web", parts.web(str(self._web_port)).argv),
        ]
        for url in (self.carrier_url, self._env["WEB_URL"]):
            self._wait_for(f"{url}/healthz")
        return self

    def __exit__(self, *_error: object) -> None:
        for process in (*self.kept.values(), *self.doomed.values(), *self._others):
            _end(process)

    def keep_worker(self, name: str, *flags: str) -> None:
        """Start a worker that is started again when it dies."""
        self.kept[name] = self._start(name, (sys.executable, str(WORKER), *flags))

    def doom_worker(self, fail_point: str) -> None:
        """Start a worker that kills itself when it comes to a fail-point."""
        argv = (sys.executable, str(WORKER))
        self.doomed[fail_point] = self._start(f"doomed-{fail_point}", argv, FAIL_POINT=fail_point)

    def kill_worker(self, name: str) -> bool:
        """Kill -9 a kept worker; False while it is still starting up, when nothing could be lost."""
        if "up" not in self.log(name).split():
            return False
        _end(self.kept[name])
        return True

    def tend(self) -> None:
        """Start dead kept workers again; one that was not killed is a surprise."""
        for name, process in list(self.kept.items()):
            if process.poll() is None:
                continue
            if process.returncode != -signal.SIGKILL:
                self.surprises.append(f"{name} ended with {process.returncode}: {self.log(name)[-2000:]}")
            self.keep_worker(name)

    def log(self, name: str) -> str:
        """What a process has said since its last start."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop_workers(self) -> None:
        """End all workers, now that nothing is in their hands."""
        for process in (*self.kept.values(), *self.doomed.values()):
            _end(process)

    def _start(self, name: str, argv: Sequence[str], **environ: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                argv, cwd=PROJECT, env=self._env | environ, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip

    def _wait_for(self, address: str) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                with opener.open(address, timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError) as down:
                assert time.monotonic() < until, f"{address}: {down}; {self.log('carrier')}{self.log('web')}"
            time.sleep(0.05)


def _database_address() -> str:
    at = connection.settings_dict
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
