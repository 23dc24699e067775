"""Commands share one PostgreSQL and one Valkey: the first one in starts them, the last one out stops them."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from console.embedded import postgres, valkey
from console.embedded.errors import DidNotStart, EmbeddedError, say
from console.embedded.files import read_json, write_json
from console.embedded.keys import EXPORTED, read_keys
from console.embedded.place import Place, prepare
from console.embedded.running import Running, free_port, wait_until

DATABASE = "database"
BROKER = "broker"
DATABASE_PORT = 55432
BROKER_PORT = 56379
# Starting includes crash recovery and stopping a last checkpoint.
TURN_SECONDS = 330.0
ATTEMPTS = 3


@dataclass(frozen=True)
class Addresses:
    """Where the services are, in the words of the settings; None for what was not asked for."""

    database: str | None = None
    broker: str | None = None
    cache: str | None = None

    def exports(self) -> dict[str, str]:
        named = {"DATABASE_URL": self.database, "BROKER_URL": self.broker, "CACHE_URL": self.cache}
        return {name: value for name, value in named.items() if value is not None}


class Membership:
    """One command's share in the services of a place; `join` and `leave` may be repeated."""

    def __init__(self, place: Place, environ: Mapping[str, str] = os.environ) -> None:
        self.place = place
        self.need: frozenset[str] = frozenset()
        self._environ = environ
        self._share: int | None = None
        self._owner = os.getpid()

    def join(self, need: Collection[str]) -> Addresses:
        """
        Start what is needed, or use what already runs.

        Raises EmbeddedError when a service cannot be started; then nothing is held.
        """
        prepare(self.place)
        with turn(self.place):
            if self._share is None:
                self._share = _open_lock(self.place.lock("users"))
                fcntl.flock(self._share, fcntl.LOCK_SH)
            self.need = self.need | frozenset(need)
            try:
                return self._ensure()
            except BaseException:
                self._leave()
                raise

    def revive(self) -> None:
        """Start again what has died, at the addresses that were given out. Raises EmbeddedError."""
        finders = {DATABASE: postgres.find, BROKER: valkey.find}
        if all(finders[name](self.place) for name in self.need):
            return
        with turn(self.place):
            self._ensure(moving=False)

    def leave(self) -> None:
        """Give up the share; the last one out stops Valkey, then PostgreSQL."""
        if self._share is None or self._owner != os.getpid():
            return
        with _undisturbed(), turn(self.place):
            self._leave()

    def keys(self) -> dict[str, str]:
        """The secrets for the settings."""
        keys = read_keys(self.place.secrets)
        return {name: keys[name] for name in EXPORTED}

    def _leave(self) -> None:
        share, self._share = self._share, None
        self.need = frozenset()
        if share is None:
            return
        try:
            # Nobody can come in while we hold the turn, so the exclusive lock means: we are the last.
            fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            stop_services(self.place)
        finally:
            os.close(share)

    def _ensure(self, *, moving: bool = True) -> Addresses:
        database = self._database(moving) if DATABASE in self.need else postgres.find(self.place)
        broker = self._broker(moving) if BROKER in self.need else valkey.find(self.place)
        _record(self.place, database, broker)
        return Addresses(
            database=postgres.address(self.place, database.port) if database else None,
            broker=valkey.address(self.place, broker.port, valkey.BROKER_NUMBER) if broker else None,
            cache=valkey.address(self.place, broker.port, valkey.CACHE_NUMBER) if broker else None,
        )

    def _database(self, moving: bool) -> Running:
        postgres.create(self.place, self._environ)
        running = postgres.find(self.place)
        if running is not None:
            postgres.wait_ready(self.place, running)
        else:
            running = _start_somewhere(postgres.start, self.place, DATABASE, moving)
        postgres.prepare_database(self.place, running)
        return running

    def _broker(self, moving: bool) -> Running:
        running = valkey.find(self.place)
        if running is not None:
            valkey.wait_ready(self.place, running)
            return running
        return _start_somewhere(valkey.start, self.place, BROKER, moving)


@contextmanager
def services(place: Place, need: Collection[str] = (DATABASE, BROKER)) -> Iterator[Addresses]:
    """Use the services for a while."""
    membership = Membership(place)
    addresses = membership.join(need)
    try:
        yield addresses
    finally:
        membership.leave()


@contextmanager
def turn(place: Place) -> Iterator[None]:
    """Starting and stopping happen one at a time."""
    lock = _open_lock(place.lock("start"))
    try:
        if not _locked(lock):
            say("Waiting for another command that starts or stops the services.")
            if not wait_until(lambda: _locked(lock), TURN_SECONDS):
                raise EmbeddedError(f"Another command has held {place.lock('start')} for too long.")
        yield
    finally:
        os.close(lock)


def in_use(place: Place) -> bool:
    """Whether some command holds a share; only meaningful inside a turn."""
    lock = _open_lock(place.lock("users"))
    try:
        return not _locked(lock)
    finally:
        os.close(lock)


def stop_services(place: Place) -> list[str]:
    """Stop what runs here, Valkey before PostgreSQL, and name it. The caller has the turn."""
    stopped = []
    broker = valkey.find(place)
    if broker is not None:
        valkey.stop(broker)
        stopped.append(BROKER)
    database = postgres.find(place)
    if database is not None:
        postgres.stop(database)
        stopped.append(DATABASE)
    # The ports stay on record: the next start prefers them.
    _record(place, None, None)
    return stopped


def stop_orphans(place: Place) -> list[str]:
    """Stop services that no living command uses; what is in use stays."""
    with _undisturbed(), turn(place):
        return [] if in_use(place) else stop_services(place)


def _start_somewhere(start: Callable[[Place, int], Running], place: Place, name: str, moving: bool) -> Running:
    """Another program may take the chosen port before the service does; then choose again."""
    last = _last_port(place, name)
    if not moving:
        say(f"The {name} has died; starting it again.")
        return start(place, last)
    fixed = {DATABASE: DATABASE_PORT, BROKER: BROKER_PORT}[name]
    preferred = () if place.throwaway else (last or fixed, fixed)
    for _ in range(ATTEMPTS - 1):
        port = free_port(preferred)
        try:
            return start(place, port)
        except DidNotStart:
            if free_port((port,)) == port:
                raise
    return start(place, free_port())


def _record(place: Place, database: Running | None, broker: Running | None) -> None:
    ports = {name: _last_port(place, name) for name in (DATABASE, BROKER)}
    found = {DATABASE: database, BROKER: broker}
    ports |= {name: running.port for name, running in found.items() if running}
    content: dict[str, object] = {name: running.record() for name, running in found.items() if running}
    content["ports"] = ports
    if read_json(place.services) != content:
        write_json(place.services, content)


def _last_port(place: Place, name: str) -> int:
    ports = read_json(place.services).get("ports")
    port = ports.get(name) if isinstance(ports, dict) else None
    return port if isinstance(port, int) else 0


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C while services stop must not leave half of them running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def wait(number: int, frame: FrameType | None) -> None:
        say("Stopping the services; one moment.")

    kept = {number: signal.signal(number, wait) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in kept.items():
            signal.signal(number, previous if previous is not None else signal.SIG_DFL)
