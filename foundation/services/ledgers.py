"""What a ledger is to whoever seals it. Each room describes its own; settings.LEDGERS names them."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from foundation.db import load_sql


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    A table whose rows never change once they are written, in the columns that are sealed.

    `layouts` are lists of SQL expressions. A seal keeps the number of its list, so that a new column begins a new
    list and never changes what an old seal says. `disagreeing` is a statement that gives the ids of rows whose
    other columns, those that may change, are not what the ledgers say; `at` is the column of business time.
    """

    name: str
    table: str
    at: str
    layouts: tuple[tuple[str, ...], ...]
    disagreeing: str = ""


def instant(column: str) -> str:
    """Seconds since 1970: the same text whatever the session's time zone and date style."""
    return f'extract(epoch FROM "{column}")'


def day(column: str) -> str:
    """A date in one form, whatever the session's date style."""
    return f"to_char(\"{column}\", 'YYYY-MM-DD')"


AUDIT = Ledger(
    name="audit", table="foundation_auditentry", at="at",
    layouts=(("id", instant("at"), "actor_id", "action", "subject", "detail"),),
)  # fmt: skip


def all_ledgers() -> list[Ledger]:
    """Every ledger of the house."""
    return [import_string(path) for path in settings.LEDGERS]


# An array keeps NULL and '' apart; jsonb writes numbers, texts and objects in one form only.
SHA256 = """encode(sha256(convert_to(jsonb_build_array(
    b.ledger, b.number, b.layout, b.first_id, b.last_id, b.row_count, extract(epoch FROM b.sealed_at),
    b.previous_sha256, b.rows_sha256)::text, 'UTF8')), 'hex')"""


def sealing_sql(ledger: Ledger) -> str:
    """The statement that seals a block, with the newest list of columns."""
    return _filled("seal_block", ledger, _array(ledger.layouts[-1]))


def checking_sql(name: str, ledger: Ledger) -> str:
    """A statement over seals `s`, each with the list of columns that it was made with."""
    cases = (f"WHEN {number} THEN {_array(one)}" for number, one in enumerate(ledger.layouts, start=1))
    # A layout that nobody knows is no reason to call the rows gone.
    return _filled(name, ledger, f"CASE s.layout {' '.join(cases)} ELSE '[]'::jsonb END")


def _array(columns: tuple[str, ...]) -> str:
    return f"jsonb_build_array({', '.join(columns)})"


def _filled(name: str, ledger: Ledger, columns: str) -> str:
    sql = load_sql("foundation", name)
    return sql.replace("{columns}", columns).replace("{table}", ledger.table).replace("{sha256}", SHA256)
