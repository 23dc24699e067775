"""The ledgers with an owner of their own, as docs/howto/ledger-owner.sql makes it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from coupons.models import Redemption
from foundation.db import execute, fetch_all, fetch_value
from foundation.models import LedgerSeal
from foundation.services.sealing import seal_all
from tests.factories import NOON
from tests.ledgers import TABLES, fill_all

pytestmark = pytest.mark.django_db
SQL = Path(__file__).parents[2] / "docs" / "howto" / "ledger-owner.sql"
ALL = [*TABLES.values(), "foundation_ledgerseal"]
GUARDS = """
SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = %(t)s::regclass
"""


def guards(table: str) -> list[str]:
    """The functions of a table's triggers."""
    return [row[0] for row in fetch_all(GUARDS, {"t": table})]


@pytest.fixture
def console_role() -> Iterator[None]:
    """The console's role in production: it owns all it made, and is nobody special."""
    execute("CREATE ROLE console_role NOLOGIN; GRANT ALL ON SCHEMA public TO console_role")
    execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO console_role")
    execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO console_role")
    for table in ALL:
        execute(f"ALTER TABLE {table} OWNER TO console_role")
        for guard in guards(table):
            execute(f"ALTER FUNCTION {guard} OWNER TO console_role")
    yield
    execute("RESET ROLE")


@pytest.fixture
def owned_apart(console_role: None) -> None:
    """The same after the file was run, twice."""
    sql = re.sub(r"\bapp\b", "console_role", SQL.read_text())
    for _time in range(2):
        with connection.cursor() as cursor:
            cursor.execute(sql)
    execute("SET ROLE console_role")


def refused(statement: str) -> bool:
    """Whether the database refuses a statement, whatever it says."""
    try:
        with transaction.atomic():
            execute(statement)
    except DatabaseError:
        return True
    return False


def ways_around(table: str) -> list[str]:
    """What an owner would do before rewriting a ledger."""
    guard = guards(table)[0]
    return [
        f"ALTER TABLE {table} DISABLE TRIGGER USER", f"DROP TRIGGER {guard.removesuffix('()')} ON {table}",
        f"DROP TABLE {table} CASCADE", f"TRUNCATE {table} CASCADE", f"DELETE FROM {table}",
        f"UPDATE {table} SET id = id + 1", "SET session_replication_role = replica",
        f"CREATE OR REPLACE FUNCTION {guard} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ]  # fmt: skip


@pytest.mark.parametrize("table", ALL)
def test_the_console_finds_no_way_around_the_triggers(table, owned_apart):
    assert [one for one in ways_around(table) if not refused(one)] == []


def test_negative_control_an_owner_finds_ways(console_role):
    execute("SET ROLE console_role")

    found = [one for one in ways_around("members_consentevent") if not refused(one)]

    assert "ALTER TABLE members_consentevent DISABLE TRIGGER USER" in found


def test_the_console_still_does_all_it_does(owned_apart):
    fill_all(2)
    seal_all(now=NOON)

    assert fetch_value("SELECT current_user") == "console_role"
    assert set(Redemption.objects.values_list("state", flat=True)) == {"REVERSED"}
    assert set(LedgerSeal.objects.values_list("ledger", flat=True)) == set(TABLES)


def test_the_file_names_every_ledger(settings):
    assert all(SQL.read_text().count(table) >= 4 for table in ALL)
