"""Ledgers are append-only: the database refuses everything else, to whoever does not own them."""

import pytest
from django.apps import apps
from django.db import DatabaseError, transaction

from coupons.models import Redemption
from foundation.db import execute, fetch_value
from tests.ledgers import TABLES, fill_all, fingerprint, redeem_and_undo, tamper

pytestmark = pytest.mark.django_db
OTHER = {
    "UUIDField": "gen_random_uuid()", "DateField": '"{0}" + 1', "DateTimeField": "\"{0}\" + interval '1 second'",
    "CharField": 'left(md5("{0}"), 4)', "JSONField": "'{{}}'::jsonb", "BooleanField": 'NOT "{0}"',
}  # fmt: skip
MODELS = {model._meta.db_table: model for model in apps.get_models()}


def other_values(table: str) -> list[str]:
    """One change for each column."""
    return [
        f'"{field.column}" = ' + OTHER.get(field.get_internal_type(), 'COALESCE("{0}", 0) + 1').format(field.column)
        for field in MODELS[table]._meta.concrete_fields
    ]


CHANGES = [(table, change) for table in TABLES.values() for change in other_values(table) if '"state"' not in change]


@pytest.mark.parametrize(("table", "change"), CHANGES)
def test_the_database_refuses_to_change_any_fact_of_a_ledger(table, change):
    fill_all(1)
    before = fingerprint(table)

    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        execute(f"UPDATE {table} SET {change}")

    assert before and fingerprint(table) == before


@pytest.mark.parametrize("table", TABLES.values())
@pytest.mark.parametrize("act", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_take_rows_from_a_ledger(table, act):
    fill_all(1)
    before = fingerprint(table)
    execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is still to be checked forbids TRUNCATE by itself

    with pytest.raises(DatabaseError, match=r"Cannot .*(delete|truncate)"), transaction.atomic():
        execute(act.format(table))

    assert fingerprint(table) == before


def test_the_empty_ledger_refuses_too_so_the_trigger_and_not_a_row_decides():
    with pytest.raises(DatabaseError, match="Cannot truncate"), transaction.atomic():
        execute("TRUNCATE members_consentevent")


@pytest.mark.parametrize("state", ["ACCEPTED", "OTHER"])
def test_an_undone_redemption_stays_undone(state):
    redeem_and_undo(1)

    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        Redemption.objects.update(state=state)

    assert Redemption.objects.get().state == "REVERSED"


def test_negative_control_without_its_triggers_a_ledger_can_be_rewritten():
    fill_all(1)

    tamper("UPDATE foundation_auditentry SET action = 'other'")

    assert fetch_value("SELECT max(action) FROM foundation_auditentry") == "other"
