"""The embedded PostgreSQL: created once, started in the foreground, stopped with SIGINT."""

import locale
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from console.embedded.account import give
from console.embedded.errors import DidNotStart, EmbeddedError, say
from console.embedded.files import last_lines, write_private
from console.embedded.keys import DATABASE_PASSWORD, create_keys, read_keys
from console.embedded.place import Place
from console.embedded.programs import postgres_folder
from console.embedded.running import (
    Running,
    clean_environment,
    end,
    identity,
    inhabitants,
    is_alive,
    launch,
    lives_in,
    started_at,
    wait_until,
)

USER = "app"
DATABASE = "console"
MAJOR = "18"
# Crash recovery of a big log takes minutes; the server is alive all the while.
READY_SECONDS = 300.0
STOP_STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# A power cut may lose the throw-away rows; nobody wants them back.
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1h",
    "shared_buffers": "128MB",
}


STATE_LINE = 7  # of postmaster.pid


def find(place: Place) -> Running | None:
    """The server that works in this place, whoever started it."""
    try:
        lines = (place.rows / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (OSError, ValueError, IndexError):
        return None
    since = started_at(pid)
    if since is None or not lives_in(pid, place.rows, "postgres"):
        return None
    return Running(pid=pid, started_at=since, port=port)


def create(place: Place, environ: Mapping[str, str]) -> None:
    """Make the database cluster and its secrets, unless there is one. Half a cluster never gets the name."""
    if place.rows.exists():
        read_keys(place.secrets)
        return
    programs = postgres_folder(place)
    keys = create_keys(place.secrets, environ)
    fresh = place.folder / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    give(fresh, place.account)
    password = place.folder / "initdb-password"
    write_private(password, keys[DATABASE_PASSWORD], place.account)
    try:
        _initdb(programs, place, fresh, password)
    finally:
        password.unlink()
    fresh.rename(place.rows)


def start(place: Place, port: int) -> Running:
    """
    Start the server and wait until it takes connections.

    Raises EmbeddedError with the end of its log when it does not come up.
    """
    _check_version(place)
    programs = postgres_folder(place)
    _let_remains_end(place)
    settings = SETTINGS | (THROWAWAY_SETTINGS if place.throwaway else {}) | {"port": str(port)}
    flags = [piece for name, value in settings.items() for piece in ("-c", f"{name}={value}")]
    log = place.logs / "postgres.log"
    child = launch([programs / "postgres", "-D", place.rows, *flags], place, place.rows, log)
    since = started_at(child.pid)
    if since is None:
        raise DidNotStart(f"PostgreSQL did not start. The end of {log}:\n{last_lines(log)}")
    running = Running(pid=child.pid, started_at=since, port=port)
    wait_ready(place, running)
    return running


def wait_ready(place: Place, running: Running) -> None:
    """Wait for a real connection; a server that recovers from a crash is waited for."""
    log = place.logs / "postgres.log"
    begun = time.monotonic()
    told = False
    while not _accepts(place, running):
        if not is_alive(running.pid, running.started_at):
            raise DidNotStart(f"PostgreSQL did not start. The end of {log}:\n{last_lines(log)}")
        if time.monotonic() - begun > READY_SECONDS:
            raise EmbeddedError(f"PostgreSQL takes no connections after {READY_SECONDS:.0f} s; see {log}.")
        if not told and time.monotonic() - begun > 5:
            say("PostgreSQL recovers from an interruption; this can take a while.")
            told = True
        time.sleep(0.03)


def prepare_database(place: Place, running: Running) -> None:
    """Create the database if it is missing, and check that it can search Chinese text."""
    with _connect(place, running.port, "postgres") as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if found is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
    check_text_search(address(place, running.port))


def stop(running: Running) -> None:
    """End with SIGINT (fast): SIGTERM would wait for idle clients. Raises EmbeddedError if it stays."""
    if not end(running.pid, running.started_at, STOP_STEPS):
        raise EmbeddedError(f"PostgreSQL (pid {running.pid}) does not stop.")


def address(place: Place, port: int) -> str:
    password = read_keys(place.secrets)[DATABASE_PASSWORD]
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"


def check_text_search(dsn: str) -> None:
    """
    Refuse a database whose pg_trgm drops Chinese characters: name search would scan everything, silently.

    Creates the extension when it is missing. Raises EmbeddedError.
    """
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            if not connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchone():
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            row = connection.execute("SELECT cardinality(show_trgm('王小明'))").fetchone()
    except psycopg.Error as error:
        raise EmbeddedError(f"Text search cannot be checked: {_first_line(error)}") from error
    if row is None or not row[0]:
        raise EmbeddedError(
            "This database cannot search Chinese names: its LC_CTYPE is C, so pg_trgm drops every Chinese "
            "character. Create the database with a UTF-8 locale, for example LC_CTYPE C.UTF-8."
        )


def _initdb(programs: Path, place: Place, folder: Path, password: Path) -> None:
    name = _utf8_locale()
    argv = [programs / "initdb", "-D", folder, "-U", USER, "-A", "scram-sha-256", "--pwfile", password]
    # Builtin C.UTF-8 sorts alike everywhere. Never --locale=C: pg_trgm would drop Chinese characters.
    argv += ["-E", "UTF8", f"--locale={name}", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    argv += ["--no-instructions"] + (["--no-sync"] if place.throwaway else [])
    user, group, groups = identity(place)
    done = subprocess.run(
        [str(piece) for piece in argv],
        cwd=place.folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        user=user,
        group=group,
        extra_groups=groups,
    )
    if done.returncode:
        raise EmbeddedError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _utf8_locale() -> str:
    kept = locale.setlocale(locale.LC_CTYPE)
    for name in ("C.UTF-8", "en_US.UTF-8"):
        try:
            locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_CTYPE, kept)
        return name
    raise EmbeddedError("This machine has neither the locale C.UTF-8 nor en_US.UTF-8; set DATABASE_URL.")


def _check_version(place: Place) -> None:
    found = (place.rows / "PG_VERSION").read_text(encoding="utf-8").strip()
    if found != MAJOR:
        raise EmbeddedError(
            f"{place.rows} was made by PostgreSQL {found}, but the installed one is {MAJOR}: "
            "dump it with the old version and restore it into a new state folder."
        )


def _let_remains_end(place: Place) -> None:
    """
    Wait for the children of a killed server, then remove a pid file that names nobody.

    A pid that now belongs to another program would keep the server from starting.
    """
    if not wait_until(lambda: not inhabitants(place.rows, "postgres"), 15.0):
        for pid in inhabitants(place.rows, "postgres"):
            since = started_at(pid)
            if since is not None:
                end(pid, since, [(signal.SIGQUIT, 10.0)])
    left = inhabitants(place.rows, "postgres")
    if left:
        raise EmbeddedError(f"Remains of a PostgreSQL still use {place.rows}: pids {left}.")
    (place.rows / "postmaster.pid").unlink(missing_ok=True)


def _accepts(place: Place, running: Running) -> bool:
    # Before our server says so, whoever answers at the port may be another that was faster to take it.
    if not _says_ready(place, running):
        return False
    try:
        _connect(place, running.port, "postgres").close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise EmbeddedError(
                f"The database refuses the password in {place.secrets}: it belongs to another database. "
                "Put the backup of secrets.json back that was made with this one."
            ) from error
        return False
    return True


def _says_ready(place: Place, running: Running) -> bool:
    """The state that the server itself writes into the last line of its file."""
    try:
        lines = (place.rows / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) > STATE_LINE and lines[0] == str(running.pid) and lines[STATE_LINE].strip() == "ready"


def _connect(place: Place, port: int, database: str) -> psycopg.Connection[tuple]:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=USER,
        password=read_keys(place.secrets)[DATABASE_PASSWORD],
        dbname=database,
        connect_timeout=5,
        autocommit=True,
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
