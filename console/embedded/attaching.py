"""Gives a management command the addresses and secrets it needs before settings are read."""

import atexit
import os
import signal
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from types import FrameType

from console.embedded import dotenv
from console.embedded.errors import EmbeddedError, say
from console.embedded.files import read_json
from console.embedded.keys import EXPORTED, fresh_keys
from console.embedded.place import PROJECT, locate
from console.embedded.running import free_port, is_alive
from console.embedded.sharing import BROKER, DATABASE, Membership

# Read here, before the settings; everything else is read by the settings.
VARIABLES = ("STATE_DIR", "EMBEDDED_USER", "WEB_PORT", "SIMULATOR_PORT")
WEB_PORT = 8000
SIMULATOR_PORT = 8100

NEEDS_NOTHING = frozenset(
    {"", "help", "version", "stop", "status", "reset", "compilemessages", "makemessages"}
    | {"collectstatic", "findstatic", "diffsettings", "startapp"}
)
NEEDS_ROWS_ONLY = frozenset(
    {"makemigrations", "migrate", "showmigrations", "sqlmigrate", "optimizemigration", "dbshell", "check"}
)
PLACEHOLDERS = {
    "DATABASE_URL": "postgresql://unused@127.0.0.1:1/unused",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "CACHE_URL": "redis://127.0.0.1:1/1",
}

_joined: list[Membership] = []


def attach(
    argv: Sequence[str], environ: MutableMapping[str, str] = os.environ, project: Path = PROJECT
) -> Membership | None:
    """
    Export the addresses and secrets this command needs; start the services behind them if need be.

    What the environment or `.env` gives wins, address by address. A command that uses no service gets
    addresses where nobody answers. Returns the share in the services, which also ends at exit;
    None when no service was needed. Raises EmbeddedError.
    """
    dotenv.load(project / ".env", environ)
    need = services_needed(argv, environ)
    if not _answered_by_settings(argv):
        _export(environ, PLACEHOLDERS | fresh_keys())
        return None
    membership = None
    if need:
        membership = _join(need, environ, project)
    if command(argv) == "up":
        environ["STATE_DIR"] = str(locate(environ, project).folder)
        choose_ports(argv, environ)
        environ.setdefault("DEMO", "0" if "--no-demo" in argv else "1")
    return membership


def current_membership() -> Membership | None:
    """The share that `attach` took for this command."""
    return _joined[-1] if _joined else None


def services_needed(argv: Sequence[str], environ: Mapping[str, str]) -> frozenset[str]:
    """Which embedded services stand in for addresses that were not given."""
    if not _answered_by_settings(argv):
        return frozenset()
    need = set()
    if not _given(environ, "DATABASE_URL"):
        need.add(DATABASE)
    rows_only = command(argv) in NEEDS_ROWS_ONLY
    if not rows_only and not (_given(environ, "BROKER_URL") and _given(environ, "CACHE_URL")):
        need.add(BROKER)
    return frozenset(need)


def command(argv: Sequence[str]) -> str:
    return argv[1] if len(argv) > 1 else ""


def choose_ports(argv: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """
    Find ports for the web server and the simulator and export their addresses, before settings read them.

    A port that is taken gives way to the next free one.
    """
    wanted = {"WEB_PORT": WEB_PORT, "SIMULATOR_PORT": SIMULATOR_PORT}
    asked = _option(argv, "--port")
    if asked is not None:
        environ["WEB_PORT"] = asked
    for name, usual in wanted.items():
        first = _port(name, environ.get(name, "") or str(usual))
        taken = {_port(other, environ[other]) for other in wanted if other != name and environ.get(other)}
        port = free_port([near for near in range(first, min(first + 50, 65536)) if near not in taken])
        environ[name] = str(port)
    environ.setdefault("WEB_URL", f"http://127.0.0.1:{environ['WEB_PORT']}")
    environ.setdefault("SIMULATOR_URL", f"http://127.0.0.1:{environ['SIMULATOR_PORT']}")


def _join(need: frozenset[str], environ: MutableMapping[str, str], project: Path) -> Membership:
    if sys.platform == "win32":
        raise EmbeddedError("There are no embedded services on Windows: set DATABASE_URL and BROKER_URL.")
    membership = Membership(locate(environ, project), environ)
    _leave_at_exit(membership)
    addresses = membership.join(need)
    _joined.append(membership)
    # Sealed rows live in the database, so its secrets come with the embedded one only.
    _export(environ, membership.keys() if DATABASE in need else {})
    _export(environ, addresses.exports())
    if DATABASE in need and BROKER not in need:
        _export(environ, PLACEHOLDERS)
    _export(environ, _addresses_of_supervisor(membership))
    environ["STATE_DIR"] = str(membership.place.folder)
    return membership


def _addresses_of_supervisor(membership: Membership) -> dict[str, str]:
    """A command beside a running `up` links to the pages that `up` serves."""
    found = read_json(membership.place.supervisor)
    names = ("WEB_URL", "SIMULATOR_URL")
    if found and is_alive(found.get("pid", 0), found.get("started_at", 0.0)):
        return {name: found[name] for name in names if isinstance(found.get(name), str)}
    return {}


def _leave_at_exit(membership: Membership) -> None:
    owner = os.getpid()

    def leave() -> None:
        try:
            membership.leave()
        except EmbeddedError as error:
            say(str(error))

    def exit_in_order(number: int, frame: FrameType | None) -> None:
        # A child that was forked from this command inherits the handler but has nothing to tidy.
        if os.getpid() != owner:
            os._exit(128 + number)
        sys.exit(128 + number)

    atexit.register(leave)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, exit_in_order)


def _answered_by_settings(argv: Sequence[str]) -> bool:
    """Whether the command does more than settings can answer alone."""
    if command(argv) in NEEDS_NOTHING or command(argv).startswith("-"):
        return False
    if command(argv) == "check":
        return any(piece.startswith("--database") for piece in argv)
    return "--help" not in argv and "-h" not in argv


def _given(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip() or environ.get(f"{name}_FILE", "").strip())


def _export(environ: MutableMapping[str, str], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if not _given(environ, name) and (name in EXPORTED or name.endswith("_URL")):
            environ[name] = value


def _option(argv: Sequence[str], name: str) -> str | None:
    for piece, following in zip(argv, [*argv[1:], ""], strict=True):
        if piece == name:
            return following
        if piece.startswith(f"{name}="):
            return piece.partition("=")[2]
    return None


def _port(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise EmbeddedError(f"{name} is not a port: {text}")
