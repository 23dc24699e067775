"""Races against PostgreSQL with real threads; each guarantee beside a variant that breaks without its lock."""

import random
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction

from delivery.models import Channel, Dispatch, Message
from delivery.port import ReplyNote
from delivery.services import gate, pump, replies, sweep
from delivery.services.take import Chunk
from foundation.db import execute, fetch_all
from foundation.services.phones import hash_phone
from members.models import PhoneGate
from members.services.consent import opt_out
from tests.delivery.ledgers import assert_counts_hold, choose, pass_gate, pump_all, states
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_version, mobile
from tests.fakes.provider import FakeProvider

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.race, pytest.mark.timeout(300)]

CHUNKS, CHUNK_PEOPLE = 200, 50
# Rows that a transaction has written are hidden from every snapshot taken before its commit. An opt-out that
# sees no fence of its phone in its last statement, under the phone's lock, has therefore gone first.
FENCED = "SELECT count(*) FROM delivery_handoff WHERE id = %(id)s AND state = 'FENCED'"


def chunks_of_one(count: int) -> list[tuple[str, Chunk]]:
    """Phones, each with a chunk of its own that stands before the gate."""
    return [(phones[0], chunk) for phones, chunk in chunks(count, 1)]


def chunks(count: int, size: int) -> list[tuple[list[str], Chunk]]:
    """Chunks that stand before the gate, each with its phones."""
    make_channel(batch_size=size)
    dispatch = make_dispatch()
    phones = {hash_phone(mobile(n)): mobile(n) for n in range(count * size)}
    add_people(dispatch, list(phones.values()))
    taken = []
    while chunk := choose():
        taken.append(([phones[one.phone_hash] for one in chunk.messages], chunk))
    return taken


LEAVERS = 2


def test_no_fence_commits_after_an_opt_out_has_in_ten_thousand_races(provider: FakeProvider, settings):
    settings.MESSAGE_LEASE_SECONDS = 600  # all are taken at the beginning
    pairs = chunks(CHUNKS, CHUNK_PEOPLE)
    barrier = threading.Barrier(LEAVERS + 1)
    seen_by_opt_out: dict[str, int] = {}
    passed: dict[str, bool] = {}
    faults: list[Exception] = []

    def leave(number: int) -> None:
        luck = random.Random(number)
        for phones, chunk in pairs:
            mine = phones[number::LEAVERS]
            luck.shuffle(mine)
            barrier.wait(timeout=20)
            for phone in mine:
                with transaction.atomic():
                    opt_out(phone_hash=hash_phone(phone), source="REPLY", proof="reply:1", now=NOON)
                    # Under the lock: a fence that is not visible here can only commit after this transaction.
                    seen_by_opt_out[phone] = fetch_all(FENCED, {"id": chunk.handoff_id})[0][0]

    def send(_number: int) -> None:
        luck = random.Random(99)
        for phones, chunk in pairs:
            barrier.wait(timeout=20)
            time.sleep(luck.random() * 0.1)
            through = pass_gate(chunk)
            by_id = {one.id: phone for one, phone in zip(chunk.messages, phones, strict=True)}
            passed.update({phone: message_id in through for message_id, phone in by_id.items()})

    def guarded(call, number: int) -> None:
        try:
            call(number)
        except Exception as fault:
            faults.append(fault)
            barrier.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=(leave, number)) for number in range(LEAVERS)]
    threads.append(threading.Thread(target=guarded, args=(send, 0)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=100)

    assert not faults
    outcomes = Counter((seen_by_opt_out[phone], passed[phone]) for phones, _chunk in pairs for phone in phones)
    assert sum(outcomes.values()) == CHUNKS * CHUNK_PEOPLE == 10_000
    # Passed: its opt-out came after the fence. Kept back: the fence that its opt-out may have seen is of the others.
    assert (0, True) not in outcomes
    assert outcomes[1, True] > 100 and sum(n for (_seen, went), n in outcomes.items() if not went) > 100
    assert PhoneGate.objects.filter(consent="OPTED_OUT").count() == 10_000


def gate_that_reads_without_the_lock(chunk: Chunk, between) -> bool:
    """The gate as it must not be: consent is read, but the row is not locked."""
    with transaction.atomic():
        phone_hash = chunk.messages[0].phone_hash
        consent = PhoneGate.objects.values_list("consent", flat=True).get(phone_hash=phone_hash)
        between()
        if consent != "GRANTED":
            return False
        gate._fence(chunk.handoff_id, [chunk.messages[0].id])
        return True


def leave_in_another_thread(phone: str, chunk: Chunk) -> tuple[threading.Thread, list[int]]:
    """Start an opt-out; the list will hold how many fences it saw at its end."""
    seen: list[int] = []

    def leave() -> None:
        try:
            with transaction.atomic():
                opt_out(phone_hash=hash_phone(phone), source="REPLY", proof="reply:1", now=NOON)
                seen.append(fetch_all(FENCED, {"id": chunk.handoff_id})[0][0])
        finally:
            connection.close()

    thread = threading.Thread(target=leave)
    thread.start()
    return thread, seen


def test_negative_control_a_gate_without_the_lock_fences_behind_an_opt_out(provider: FakeProvider):
    [(phone, chunk)] = chunks_of_one(1)

    def opt_out_now() -> None:
        thread, seen = leave_in_another_thread(phone, chunk)
        thread.join(timeout=20)
        assert seen == [0]

    assert gate_that_reads_without_the_lock(chunk, opt_out_now) is True

    # The fence is committed although the opt-out was committed before it: what the lock is there to prevent.
    assert PhoneGate.objects.get().consent == "OPTED_OUT"
    assert fetch_all(FENCED, {"id": chunk.handoff_id}) == [(1,)]


def test_an_opt_out_waits_for_a_gate_that_holds_the_phone(provider: FakeProvider):
    [(phone, chunk)] = chunks_of_one(1)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN "
    waiting += "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"

    with transaction.atomic():
        gate.lock_gates(phone_hashes=[hash_phone(phone)], now=NOON)
        thread, seen = leave_in_another_thread(phone, chunk)
        while fetch_all(waiting) == [(0,)]:
            assert thread.is_alive()
        gate._fence(chunk.handoff_id, [chunk.messages[0].id])
        assert seen == []
    thread.join(timeout=20)

    assert seen == [1]


def test_eight_pumps_on_one_dispatch_hand_everybody_over_exactly_once(provider: FakeProvider, race):
    make_channel(batch_size=20)
    dispatch = make_dispatch()
    phones = [mobile(n) for n in range(500)]
    add_people(dispatch, phones)

    taken, faults = race(lambda _number: pump_all(), 8)

    assert faults == []
    assert sum(taken) == 500
    assert Counter(provider.phones) == Counter(phones)
    assert states(dispatch) == {"ACCEPTED": 500}
    assert_counts_hold(dispatch, 500)
    sweep.close_finished(now=NOON)
    assert Dispatch.objects.get(pk=dispatch.pk).closed_at == NOON


def test_negative_control_taking_without_locks_hands_somebody_over_twice(provider: FakeProvider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    peek = "SELECT message_id FROM delivery_ready WHERE dispatch_id = %(id)s"

    first, second = (fetch_all(peek, {"id": dispatch.pk}) for _worker in range(2))

    # Without DELETE … SKIP LOCKED both workers hold the same person.
    assert first == second != []


def test_a_sweep_beside_pumps_loses_and_doubles_nobody(provider: FakeProvider, race, settings):
    make_channel(batch_size=7)
    dispatch = make_dispatch()
    phones = [mobile(n) for n in range(200)]
    add_people(dispatch, phones)
    abandoned = choose()
    execute("UPDATE delivery_handoff SET lease_until = clock_timestamp() - interval '1 second'")

    def work(number: int) -> int:
        if number < 3:
            return pump_all()
        for _step in range(5):
            sweep.sweep(now=NOON)
        return 0

    _taken, faults = race(work, 5)
    sweep.sweep(now=NOON)
    pump_all()

    assert faults == []
    assert len(abandoned.messages) == 7
    assert Counter(provider.phones) == Counter(phones)
    assert_counts_hold(dispatch, 200)


def test_negative_control_a_fence_that_does_not_ask_for_its_lease_hands_over_what_was_given_back(
    provider: FakeProvider, monkeypatch
):
    make_channel()
    add_people(make_dispatch(), [mobile(1)])
    abandoned = choose()
    execute("UPDATE delivery_handoff SET lease_until = clock_timestamp() - interval '1 second'")
    sweep.sweep(now=NOON)
    careless = gate.FENCE.replace("AND state = 'TAKEN' AND lease_until > clock_timestamp()", "")
    monkeypatch.setattr(gate, "FENCE", careless)

    pump_all()
    pass_gate(abandoned)
    pump.submit(chunk=abandoned, rendered=pump.render(abandoned))

    assert provider.phones == [mobile(1)] * 2


def test_replies_of_many_phones_and_a_gate_over_the_same_phones_do_not_deadlock(provider: FakeProvider, race):
    channel = make_channel(batch_size=50)
    phones = [mobile(n) for n in range(50)]
    version = make_version()
    for _round in range(6):
        add_people(make_dispatch(expires_at=NOON + timedelta(days=9)), phones, version=version)
    notes = [ReplyNote(f"r{phone}", phone, "T") for phone in phones]

    def work(number: int) -> int:
        if number == 0:
            return pump_all()
        order = notes if number == 1 else notes[::-1]
        return replies.receive_replies(channel=channel, notes=order, now=NOON)

    _done, faults = race(work, 3)

    assert faults == []
    assert PhoneGate.objects.filter(consent="OPTED_OUT").count() == 50


def test_one_phone_in_many_dispatches_never_goes_over_its_cap(provider: FakeProvider, race):
    Channel.objects.all().delete()
    make_channel(batch_size=1)
    for number in range(8):
        version = make_version(f"第{number}条，到店有礼。")
        add_people(make_dispatch(cap_policy="EXCLUDE"), [mobile(1)], version=version)

    _taken, faults = race(lambda _number: pump_all(), 8)

    assert faults == []
    assert len(provider.phones) == 3
    assert Counter(Message.objects.values_list("state", flat=True)) == {"ACCEPTED": 3, "EXCLUDED": 5}
