"""The whole stack as `make run` starts it, in a state folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
OWN_VARIABLES = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "SECRET_KEY", "PHONE_KEYS", "PHONE_INDEX_KEY", "DEMO")
READY_SECONDS = 240  # a slow machine that runs other tests beside it
PREPARE = """
from django.core.management import call_command
from console.demo.load import make_channels, make_operators
from templates_sms.models import Signature
make_operators(); make_channels(); Signature.objects.get_or_create(name="鲜禾超市")
"""
CLERKS = "from console.demo.load import scope_clerks; scope_clerks()"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def offset_to_noon() -> int:
    """Seconds that bring the business clock to about 11:00 in Asia/Shanghai, whatever time the test runs."""
    now = datetime.now(UTC) + timedelta(hours=8)
    return (11 - now.hour) * 3600 - now.minute * 60


class Stack:
    """`manage.py up --no-demo` and what a test may ask of it."""

    def __init__(self, folder: Path) -> None:
        self.offset = offset_to_noon()
        self.simulator = f"http://127.0.0.1:{(port := free_port())}"
        self.env = {key: value for key, value in os.environ.items() if key not in OWN_VARIABLES} | {
            "STATE_DIR": str(folder / "state"), "SIMULATOR_PORT": str(port), "WEB_PORT": str(free_port()),
            "SIMULATOR_SCENARIO": "lively", "CLOCK_OFFSET_SECONDS": str(self.offset), "PYTHONUNBUFFERED": "1",
            "SECOND_FACTOR": "off",  # its own test logs in through it (test_second_factor)
        }  # fmt: skip
        self.url = f"http://127.0.0.1:{self.env['WEB_PORT']}"
        self.log = folder / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *words: str) -> str:
        """Run one management command beside the running stack."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start, wait for the first page, make people and channels."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-demo"], cwd=PROJECT, env=self.env, stdout=log, stderr=log
            )
        deadline = time.monotonic() + READY_SECONDS
        while "Ready: " not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        self.manage("shell", "-c", PREPARE)

    def stop(self) -> None:
        """Stop in order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)

    def now(self) -> datetime:
        """The business clock, as local time of Asia/Shanghai without zone, as forms take it."""
        return (datetime.now(UTC) + timedelta(hours=8, seconds=self.offset)).replace(tzinfo=None)

    def accepted(self) -> list[dict[str, str]]:
        """Everybody the simulated carrier really wrote to."""
        with urllib.request.urlopen(f"{self.simulator}/accepted", timeout=10) as answer:
            found: list[dict[str, str]] = json.load(answer)["accepted"]
        return found

    def reply(self, phone: str, text: str) -> None:
        """A person writes back."""
        body: dict[str, Any] = {"phone": phone, "text": text}
        request = urllib.request.Request(f"{self.simulator}/reply", data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer) == {"taken": True}
