"""Named SQL, advisory slots, rows as dictionaries: the little that the ORM does not say."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import QueryCanceled


@cache
def load_sql(room: str, name: str) -> str:
    """The statement in `<room>/sql/<name>.sql`; read once a process."""
    package = import_module(room).__file__
    assert package is not None
    return (Path(package).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def execute(sql: str, params: Mapping[str, Any] | None = None) -> int:
    """Run one statement with named parameters; returns the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


def fetch_all(sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """All rows of one statement as tuples."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def fetch_dicts(sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """All rows of one statement as dictionaries by column name."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_value(sql: str, params: Mapping[str, Any] | None = None) -> Any:
    """The first column of the first row, or None when there is no row."""
    rows = fetch_all(sql, params)
    return rows[0][0] if rows else None


def compose(sql: str, params: Sequence[Any]) -> str:
    """A statement with its values quoted in, for use inside a bigger statement; the driver does the quoting."""
    operations: Any = connection.ops
    text: str = operations.compose_sql(sql, params)
    return text


class TookTooLong(Exception):
    """A statement was cancelled because nobody waits that long."""


@contextmanager
def patience(*, milliseconds: int, memory_mb: int) -> Iterator[None]:
    """
    Cancel each statement inside that takes longer; sorts and hashes of the statements may take `memory_mb`.

    Raises TookTooLong. Opens a transaction, or a part of the one that is open.
    """
    try:
        with transaction.atomic():
            kept = "SELECT set_config('statement_timeout', %(time)s, true), set_config('work_mem', %(memory)s, true)"
            fetch_all(kept, {"time": f"{milliseconds}ms", "memory": f"{memory_mb}MB"})
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong from error
        raise


def pending_migrations() -> list[str]:
    """Migrations that this database still lacks; an empty database lacks them all."""
    executor = MigrationExecutor(connection)
    return [str(migration) for migration, _back in executor.migration_plan(executor.loader.graph.leaf_nodes())]


@contextmanager
def advisory_slot(name: str, slots: int) -> Iterator[bool]:
    """
    Hold one of `slots` session-level advisory locks called `name`; yields False when all are taken.

    The lock dies with the connection, so a killed worker frees its slot at once.
    Needs a session-pooled or direct connection (not PgBouncer's transaction pooling).
    """
    namespace = zlib.crc32(name.encode()) - 2**31
    for slot in range(slots):
        if fetch_value("SELECT pg_try_advisory_lock(%(n)s, %(slot)s)", {"n": namespace, "slot": slot}):
            try:
                yield True
            finally:
                execute("SELECT pg_advisory_unlock(%(n)s, %(slot)s)", {"n": namespace, "slot": slot})
            return
    yield False


@contextmanager
def own_tables(copies: Mapping[str, str | None]) -> Iterator[None]:
    """
    Hide tables behind empty or filled temporary copies, on a connection that can write to nothing else.

    `copies` holds a condition on the rows to copy for each table, None for an empty copy. Keys, checks and
    indexes are copied, foreign keys and triggers are not. A table that was forgotten refuses to be written.
    Closes the connection at the end, and with it all that was made. Needs a connection outside a transaction.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Copies of tables need a connection outside a transaction.")
    try:
        for table, condition in copies.items():
            _copy_table(table, condition)
        execute("SET default_transaction_read_only = on")
        yield
    finally:
        connection.close()


def _copy_table(table: str, condition: str | None) -> None:
    execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL)")
    if condition is None:
        return
    execute(f"INSERT INTO pg_temp.{table} SELECT * FROM public.{table} WHERE {condition}")
    execute(f"ANALYZE pg_temp.{table}")
    sequence = f"pg_get_serial_sequence('pg_temp.{table}', 'id')"
    columns = "SELECT 1 FROM information_schema.columns WHERE table_name = %(table)s AND is_identity = 'YES'"
    if fetch_value(columns, {"table": table}):
        execute(f"SELECT setval({sequence}, GREATEST((SELECT max(id) FROM pg_temp.{table}), 1))")
