import threading

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.db import TookTooLong, advisory_slot, compose, execute, fetch_all, fetch_value, patience
from foundation.models import AuditEntry
from foundation.services import audit
from tests.factories import NOON


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", ["UPDATE foundation_auditentry SET action = 'x'", "DELETE FROM foundation_auditentry"]
)
def test_the_database_refuses_to_change_the_audit(change):
    audit.record(action="a", subject="b", by=None, now=NOON)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)

    assert AuditEntry.objects.get().action == "a"


@pytest.mark.django_db
def test_a_composed_value_stays_a_value():
    evil = "'; DROP TABLE members_member; -- %s %(x)s \\"

    assert fetch_value(compose("SELECT %s", [evil]).replace("%", "%%"), {}) == evil


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_an_advisory_slot_is_held_by_so_many_and_freed_by_a_lost_connection():
    held: list[bool] = []
    release, taken = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        try:
            with advisory_slot("work", 2) as slot:
                held.append(slot)
                taken.release()
                release.wait(timeout=20)
        finally:
            connection.close()

    def die() -> None:
        fetch_all("SELECT pg_advisory_lock(%(n)s, 1)", {"n": 7})
        connection.close()

    threads = [threading.Thread(target=hold) for _worker in range(2)]
    for thread in threads:
        thread.start()
        assert taken.acquire(timeout=20)
    with advisory_slot("work", 2) as third:
        assert third is False
    with advisory_slot("other work", 1) as other:
        assert other is True
    release.set()
    for thread in threads:
        thread.join(timeout=20)
    with advisory_slot("work", 2) as later:
        assert later is True

    assert held == [True, True]
    killed = threading.Thread(target=die)
    killed.start()
    killed.join(timeout=20)
    # Waits, because the server may still be busy ending the lost session.
    fetch_all("SELECT pg_advisory_lock(%(n)s, 1)", {"n": 7})
    fetch_all("SELECT pg_advisory_unlock(%(n)s, 1)", {"n": 7})


@pytest.mark.django_db(transaction=True)
def test_patience_gives_up_a_statement_and_then_waits_as_long_as_before():
    before = fetch_value("SHOW statement_timeout")

    with pytest.raises(TookTooLong), patience(milliseconds=20, memory_mb=4):
        execute("SELECT pg_sleep(5)")
    with patience(milliseconds=5_000, memory_mb=16):
        inside = fetch_all("SELECT current_setting('statement_timeout'), current_setting('work_mem')")

    assert inside == [("5s", "16MB")]
    assert fetch_value("SHOW statement_timeout") == before


@pytest.mark.django_db
def test_patience_lets_other_faults_through():
    with pytest.raises(DatabaseError), patience(milliseconds=5_000, memory_mb=4):
        execute("SELECT 1 / 0")
