"""What every benchmark stands on: services of its own on disk, a result line, memory, worker processes."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from console.embedded import Membership, Place
from console.embedded.account import service_account
from console.embedded.keys import EXPORTED, fresh_keys

ROOT = Path(__file__).parents[2]


@dataclass
class Result:
    """One line of a benchmark. `limit` is what PostgreSQL itself reached just before, in the same unit."""

    bench: str
    n: int
    value: float
    unit: str
    limit: float
    peak_mb: int
    detail: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The result as one JSON object, with its ratio."""
        facts = asdict(self) | {"value": round(self.value), "limit": round(self.limit)}
        facts["ratio"] = round(self.value / self.limit, 3)
        return json.dumps(facts)


@contextmanager
def services() -> Iterator[None]:
    """A PostgreSQL and a Valkey of this run, on disk and with every commit flushed, gone afterwards."""
    if os.environ.get("DATABASE_URL"):
        for name, value in fresh_keys().items():
            if name in EXPORTED:
                os.environ.setdefault(name, value)
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="sms-console-bench-"))
    folder.chmod(0o755)
    membership = Membership(Place(folder, service_account(os.environ)), environ={})
    try:
        addresses = membership.join({"database", "broker"})
        os.environ.update(addresses.exports() | membership.keys())
        os.environ["STATE_DIR"] = str(folder / "state")
        yield
    finally:
        membership.leave()
        shutil.rmtree(folder, ignore_errors=True)


def prepare() -> None:
    """Django on an empty, migrated database."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def timed(call: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def peak_mb() -> int:
    """The most memory this process or any ended child has held."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) // 1024


def spread(module: str, arguments: Sequence[str], count: int) -> float:
    """
    Seconds that `count` processes of a module take together; raises when one of them fails.

    Each says "ready" once it is set up and waits for a line, so that starting Python is not measured.
    """
    command = [sys.executable, "-m", module, *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    workers = [subprocess.Popen([*command, str(number)], **pipes) for number in range(count)]
    for worker in workers:
        if worker.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{module} did not start.")
    began = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    codes = [worker.wait() for worker in workers]
    seconds = time.perf_counter() - began
    if any(codes):
        raise RuntimeError(f"{module} failed: {codes}")
    return seconds


def wait_for_start() -> None:
    """The other side of `spread`."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


@contextmanager
def web() -> Iterator[str]:
    """The product's own web server."""
    port = "18471"
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", port, "--workers", "1",
        "--blocking-threads", "4", "--no-ws", "console.wsgi:application",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(200):
            try:
                httpx.get(f"{address}/healthz", trust_env=False, timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait()
