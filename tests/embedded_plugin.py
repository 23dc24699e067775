"""
Gives the tests a PostgreSQL and a Valkey of their own, before Django's settings are read.

Load with `-p tests.embedded_plugin`. With DATABASE_URL set it keeps out of the way. Of several processes each has its
own services: locks and token buckets are of a whole server.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.embedded import Membership, Place
from console.embedded.account import service_account
from console.embedded.keys import EXPORTED, fresh_keys
from console.embedded.sharing import stop_services

PREFIX = "sms-console-tests-"
MEMORY = Path("/dev/shm")
OWN = "SMS_CONSOLE_TESTS_OWN_SERVICES"  # told to child processes: DATABASE_URL is one of ours
ROOM_BYTES = 2 * 1024**3


class Services:
    """The throw-away services of one test run."""

    def __init__(self) -> None:
        self.membership: Membership | None = None

    def start(self) -> None:
        # Most tests begin inside; those of the second factor switch it on for themselves.
        os.environ["SECOND_FACTOR"] = "off"
        is_inherited = OWN in os.environ and "PYTEST_XDIST_WORKER" in os.environ
        if os.environ.get("DATABASE_URL") and not is_inherited:
            for name, value in fresh_keys().items():
                if name in EXPORTED:
                    os.environ.setdefault(name, value)
            return
        sweep()
        folder = temporary_folder(PREFIX)
        place = Place(folder, service_account(os.environ), throwaway=True)
        self.membership = Membership(place, environ={})
        addresses = self.membership.join({"database", "broker"})
        os.environ.update(addresses.exports() | self.membership.keys())
        os.environ["STATE_DIR"] = str(folder / "state")
        os.environ[OWN] = "1"

    def stop(self) -> None:
        membership, self.membership = self.membership, None
        if membership is not None:
            membership.leave()
            shutil.rmtree(membership.place.folder, ignore_errors=True)


services = Services()


def temporary_folder(prefix: str) -> Path:
    """A new folder any account may enter; in memory where that is roomy, which halves the time of a run."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if memory_is_roomy() else None))
    folder.chmod(0o755)
    return folder


def memory_is_roomy() -> bool:
    if not os.access(MEMORY, os.W_OK):
        return False
    found = os.statvfs(MEMORY)
    runs_programs = not found.f_flag & os.ST_NOEXEC
    return runs_programs and found.f_bavail * found.f_frsize > ROOM_BYTES


def sweep() -> None:
    """Remove what killed runs have left: their folders, and servers that still run in them."""
    roots = (MEMORY, Path(tempfile.gettempdir()))
    for folder in (found for root in roots for found in root.glob(f"{PREFIX}*")):
        lock = folder / "users.lock"
        if not lock.exists() or lock.stat().st_uid != os.geteuid():
            continue
        with lock.open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            stop_services(Place(folder, service_account(os.environ), throwaway=True))
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    # A wrapper runs before pytest-django, which reads the settings in this hook.
    services.start()
    try:
        return (yield)
    except BaseException:
        services.stop()
        raise


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    services.stop()
