"""Sealing while others write: ids commit in any order, sealers come in pairs, nothing waits and nothing is missed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from coupons.models import Redemption
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from foundation.db import fetch_all, fetch_value
from foundation.models import LedgerSeal
from foundation.services import sealing
from foundation.services.ledgers import AUDIT, all_ledgers
from foundation.services.verifying import verify
from tests.coupons.tills import DEVICE, ask, make_clerk, make_coupon
from tests.factories import NOON, make_terms
from tests.ledgers import opt_out_some, write_down

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.race]
INSERT = "INSERT INTO foundation_auditentry (at, action, subject, detail) VALUES (now(), 'late', 's', '{}')"
LAST_DRAWN = "SELECT last_value FROM foundation_auditentry_id_seq"
LOGGED_AHEAD = 16  # more than the test draws


@contextmanager
def somebody_else() -> Iterator[psycopg.Connection]:
    """A second session, in a transaction of its own."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        yield other


def test_what_an_open_transaction_has_drawn_is_waited_for():
    with somebody_else() as other:
        other.execute(INSERT)
        write_down(3)

        assert sealing.seal_all(now=NOON, patience_seconds=0.1) == {}
        other.commit()

    assert sealing.seal_all(now=NOON) == {"audit": 4}
    assert verify(AUDIT).broken == []


def test_negative_control_whoever_does_not_wait_misses_the_row_and_the_proof_says_so():
    with somebody_else() as other:
        late = other.execute(f"{INSERT} RETURNING id").fetchone()[0]
        write_down(3)

        sealing.seal(AUDIT, until=fetch_value("SELECT max(id) FROM foundation_auditentry"), now=NOON)
        other.commit()

    assert [(one.code, one.added) for one in verify(AUDIT).broken] == [("ROWS", [late])]


def test_an_id_that_was_drawn_before_its_transaction_has_a_number_is_waited_for():
    write_down(2)
    # The sequence writes its log for the next 32 at once, and then draws without a transaction; others drew before.
    while fetch_value("SELECT log_cnt FROM foundation_auditentry_id_seq") < LOGGED_AHEAD:
        fetch_value("SELECT nextval('foundation_auditentry_id_seq')")
    with somebody_else() as other:
        pid = other.info.backend_pid
        with other.cursor().copy("COPY foundation_auditentry (at, action, subject, detail) FROM STDIN") as copy:
            before = fetch_value(LAST_DRAWN)
            copy.write("2026-11-20\tlate\ts\t{}\n" * 3)
            other.pgconn.flush()
            until = time.monotonic() + 20
            while fetch_value(LAST_DRAWN) == before and time.monotonic() < until:
                time.sleep(0.01)
            write_down(2)
            numbered = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND pid = %(pid)s"
            assert fetch_value(LAST_DRAWN) > before + 2 and fetch_value(numbered, {"pid": pid}) is None

            assert sealing.seal_all(now=NOON, patience_seconds=0.1) == {}
        other.commit()

    assert sealing.seal_all(now=NOON) == {"audit": 7}
    assert verify(AUDIT).broken == []


def test_a_transaction_that_writes_elsewhere_or_only_reads_holds_nothing_up():
    opt_out_some(1)
    with somebody_else() as reader, somebody_else() as writer:
        reader.execute("SELECT * FROM foundation_auditentry FOR SHARE")
        writer.execute("UPDATE members_phonegate SET changed_at = now()")
        write_down(2)

        assert sealing.seal_all(now=NOON, patience_seconds=0.1) == {"audit": 2, "consents": 1}


def test_rows_that_were_rolled_back_leave_a_gap_and_no_fault():
    with somebody_else() as other:
        other.execute(INSERT)
        write_down(2)
        other.rollback()
    sealing.seal_all(now=NOON)
    write_down(2)
    sealing.seal_all(now=NOON)

    assert (verify(AUDIT).broken, verify(AUDIT).row_count) == ([], 4)


def test_writers_who_keep_coming_do_not_put_it_off_for_ever():
    stop = threading.Event()

    def write(number: int) -> None:
        with somebody_else() as other:
            while not stop.is_set():
                other.execute(INSERT)
                time.sleep(0.02)  # open for longer than closed
                other.commit()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    sealed = sealing.seal_all(now=NOON)
    stop.set()
    for thread in threads:
        thread.join(timeout=20)

    assert sealed["audit"] > 0


def test_two_sealers_at_once_seal_every_row_once(race, monkeypatch):
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 7)
    write_down(300)
    highest = fetch_value("SELECT max(id) FROM foundation_auditentry")

    wins, faults = race(lambda number: sealing.seal(AUDIT, until=highest, now=NOON + timedelta(seconds=number)), 6)

    assert faults == [] and sum(wins) <= 300
    sealing.seal_all(now=NOON)
    verdict = verify(AUDIT)
    assert (verdict.broken, verdict.row_count, verdict.unsealed_count) == ([], 300, 0)
    numbers = LedgerSeal.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, -(-300 // 7) + 1))


WRITERS, TURNS = 4, 40


@pytest.mark.timeout(180)
def test_the_seals_of_a_running_till_hold_while_redemptions_and_undos_come(monkeypatch):
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 5)
    clerk, terms = make_clerk(), make_terms(planned_count=WRITERS * TURNS)
    codes = [make_coupon(terms, member_id=number).code for number in range(WRITERS * TURNS)]
    faults: list[Exception] = []

    def work(number: int) -> None:
        try:
            for code in codes[number::WRITERS]:
                redeem(question=ask(clerk, code), request_id=uuid4(), now=NOON)
                done = Redemption.objects.get(coupon__code=code)
                reverse(redemption_no=done.redemption_no, device_id=DEVICE, reason="MISSCAN", by=clerk, now=NOON)
                write_down(1, start=number)
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    rounds = 0
    while any(thread.is_alive() for thread in threads):
        sealing.seal_all(now=NOON + timedelta(seconds=rounds), patience_seconds=1)
        assert [verify(one).broken for one in all_ledgers()] == [[], [], [], []]
        rounds += 1
    sealing.seal_all(now=NOON)

    assert faults == [] and rounds > 2
    verdicts = {one.name: verify(one) for one in all_ledgers()}
    assert [verdict.broken for verdict in verdicts.values()] == [[], [], [], []]
    counts = {name: verdict.row_count for name, verdict in verdicts.items()}
    assert counts["redemptions"] == counts["reversals"] == WRITERS * TURNS
    blocks = fetch_all("SELECT count(*) FROM foundation_ledgerseal WHERE ledger = 'redemptions'")[0][0]
    assert blocks > WRITERS * TURNS // 5 - 1
