"""The sequence of `manage.py up`: migrate, demo data, programs, ready, until somebody asks to stop."""

import os
import signal
import time
import urllib.error
import urllib.request
from types import FrameType

from django.core.management import call_command
from django.db import connections

from console.embedded import EmbeddedError, Membership, check_text_search
from console.embedded.errors import say
from console.embedded.place import PROJECT, Place
from console.embedded.running import POLL_SECONDS
from console.supervisor.crew import Crew
from console.supervisor.instance import announce, sole_instance
from console.supervisor.parts import all_parts

READY_SECONDS = 90.0
ROUND_SECONDS = 0.2
REVIVE_SECONDS = 2.0
DEATHS_BEFORE_GIVING_UP = 3


class Wishes:
    """Counts requests to stop: the first stops in order, the second shortens the grace."""

    def __init__(self) -> None:
        self.count = 0

    def listen(self) -> None:
        # Ctrl-C is ignored by a shell's background jobs, so it is set as well as the others.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._hear)

    def stop(self) -> bool:
        return self.count > 0

    def hurry(self) -> bool:
        return self.count > 1

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


def run(*, place: Place, membership: Membership | None, demo: bool) -> None:
    """
    Run everything until asked to stop, then stop in order.

    Raises EmbeddedError when another `up` holds the place, or a part does not come up.
    """
    with sole_instance(place):
        announce(place, os.environ, [])
        if membership is None or "database" not in membership.need:
            check_text_search(os.environ["DATABASE_URL"])
        _fill_database(demo)
        crew = Crew(all_parts(PROJECT, os.environ), folder=PROJECT, logs=place.logs)
        wishes = Wishes()
        wishes.listen()
        try:
            crew.start()
            announce(place, os.environ, crew.record())
            if _wait_ready(crew, place, wishes):
                _greet(demo, place)
                _keep(crew, place, membership, wishes)
        finally:
            say("Stopping; running tasks may finish.")
            crew.stop(wishes.hurry)
            if membership is not None:
                membership.leave()
        say("Stopped.")


def _fill_database(demo: bool) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    call_command("sync")
    if demo:
        call_command("demo_data")
    # The programs have their own connections; ours would only sit there.
    connections.close_all()


def _wait_ready(crew: Crew, place: Place, wishes: Wishes) -> bool:
    """Wait for the first page; False when asked to stop meanwhile. Raises EmbeddedError."""
    deadline = time.monotonic() + READY_SECONDS
    address = f"http://127.0.0.1:{os.environ['WEB_PORT']}/healthz"
    while not answers(address):
        if wishes.stop():
            return False
        if crew.tend():
            announce(place, os.environ, crew.record())
        if crew.deaths_count() >= DEATHS_BEFORE_GIVING_UP or time.monotonic() > deadline:
            raise EmbeddedError(f"The console does not start; look at the logs in {place.logs}.")
        time.sleep(POLL_SECONDS)
    return True


def answers(address: str) -> bool:
    """Whether the address says 200. No proxy: it is this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _greet(demo: bool, place: Place) -> None:
    say(f"Ready: {os.environ['WEB_URL']}  (state and logs in {place.folder}; stop with Ctrl-C or `make stop`)")
    if demo:
        call_command("demo_logins")
        connections.close_all()


def _keep(crew: Crew, place: Place, membership: Membership | None, wishes: Wishes) -> None:
    services = Revival(membership)
    while not wishes.stop():
        services.tend()
        if crew.tend():
            announce(place, os.environ, crew.record())
        time.sleep(ROUND_SECONDS)


class Revival:
    """Restarts services that died, now and then; what fails is said once and tried again."""

    def __init__(self, membership: Membership | None) -> None:
        self._membership = membership
        self._looked_at = time.monotonic()
        self._problem = ""

    def tend(self) -> None:
        now = time.monotonic()
        if self._membership is None or now - self._looked_at < REVIVE_SECONDS:
            return
        self._looked_at = now
        try:
            self._membership.revive()
            problem = ""
        except EmbeddedError as error:
            problem = str(error)
        if problem and problem != self._problem:
            say(problem)
        self._problem = problem
