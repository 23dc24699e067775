"""What all tests share: two months of ledger, a fake provider, real threads."""

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase

from delivery import registry
from foundation.db import execute, fetch_all
from tests.embedded_plugin import OWN
from tests.factories import MONTHS
from tests.fakes.provider import FakeProvider


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A database of a throw-away server goes with its server; sessions of a live server's threads may still be open."""
    return OWN in os.environ


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The database of the run, with the two months in which the tests live."""
    with django_db_blocker.unblock():
        for month in MONTHS:
            execute("SELECT delivery_ensure_partition(%(month)s)", {"month": month})
        execute("CREATE SCHEMA seeds")
        for name in filled_tables():
            execute(f'CREATE TABLE seeds."{name}" AS TABLE public."{name}"')


# What Django makes anew after each of its flushes, at ten times the price of all else.
KEPT = ("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND relname <> ALL(%(kept)s)
"""


def filled_tables() -> list[str]:
    """The tables of our own that have rows."""
    tables = [row[0] for row in fetch_all(TABLES, {"kept": list(KEPT)})]
    looks = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables)
    return [row[0] for row in fetch_all(" UNION ALL ".join(looks))]


def empty_what_was_filled(_case: TransactionTestCase) -> None:
    """
    Instead of Django's flush of every table, which was half of a whole run: those with rows, but for migrations' rows.
    """
    if filled := filled_tables():
        # Ledgers refuse to be emptied. The tests' role may pass by its triggers; the console's own must not.
        with transaction.atomic():
            execute("SET LOCAL session_replication_role = replica")
            execute("TRUNCATE " + ", ".join(f'"{name}"' for name in filled) + " CASCADE")
    for (name,) in fetch_all("SELECT relname FROM pg_class WHERE relnamespace = 'seeds'::regnamespace"):
        execute(f'INSERT INTO public."{name}" TABLE seeds."{name}"')


TransactionTestCase._fixture_teardown = empty_what_was_filled


@pytest.fixture
def committed(transactional_db: None) -> None:
    """Rows are really committed, and all tables are emptied at the end, the ledger with them."""


@pytest.fixture(scope="session", autouse=True)
def static_folder() -> None:
    """The place of collected static files, which a started console always has."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """A scripted provider behind the port; channels of vendor "fake" lead to it."""
    fake = FakeProvider()
    monkeypatch.setitem(registry.VENDORS, "fake", lambda channel: fake)
    return fake


@pytest.fixture
def import_folder(tmp_path: Any, settings: Any) -> Any:
    """Where imports of this test leave their error files."""
    settings.IMPORT_DIR = tmp_path / "imports"
    return settings.IMPORT_DIR


Race = Callable[[Callable[[int], Any], int], tuple[list[Any], list[Exception]]]


@pytest.fixture
def race() -> Race:
    """Call something from several threads at one moment; returns what they gave back and what they raised."""

    def run(call: Callable[[int], Any], times: int) -> tuple[list[Any], list[Exception]]:
        barrier = threading.Barrier(times)
        wins: list[Any] = []
        refusals: list[Exception] = []

        def one(number: int) -> None:
            try:
                connection.ensure_connection()
                barrier.wait(timeout=20)
                wins.append(call(number))
            except Exception as refusal:
                refusals.append(refusal)
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads)
        return wins, refusals

    return run
