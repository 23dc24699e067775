"""Two tabs begin at once; a till redeems while its shift is handed over. Real threads, committed rows."""

from threading import Event
from uuid import uuid4

import pytest
from django.db import connection

from coupons.models import Redemption, Shift
from coupons.queries.shifts import shift_figures
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from coupons.services.shifts import NoShift, ShiftTaken, close_shift, open_shift
from foundation.db import execute
from members.models import Store
from tests.coupons.tills import DEVICE, ask, begin_shift, make_clerk, make_coupon
from tests.factories import NOON, make_store, make_terms

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("committed")]

TABS = 8


def test_two_tabs_that_begin_at_once_get_one_shift(race):
    clerk = make_clerk()
    store = Store.objects.get(scopes__operator=clerk)

    shifts, problems = race(lambda _number: open_shift(store=store, device_id=DEVICE, by=clerk, now=NOON), TABS)

    assert problems == []
    assert len({shift.pk for shift in shifts}) == Shift.objects.count() == 1


def test_eight_clerks_at_one_till_get_one_shift(race):
    store = make_store()
    clerks = [make_clerk(store) for _number in range(TABS)]

    shifts, problems = race(lambda number: open_shift(store=store, device_id=DEVICE, by=clerks[number], now=NOON), TABS)

    assert [type(problem) for problem in problems] == [ShiftTaken] * (TABS - 1)
    assert len(shifts) == Shift.objects.count() == 1


def test_one_clerk_in_eight_stores_gets_one_shift(race):
    stores = [make_store(f"S{number}") for number in range(TABS)]
    clerk = make_clerk(*stores)

    shifts, problems = race(
        lambda number: open_shift(store=stores[number], device_id=f"device-{number:04}", by=clerk, now=NOON), TABS
    )

    assert [type(problem) for problem in problems] == [ShiftTaken] * (TABS - 1)
    assert len(shifts) == Shift.objects.count() == 1


def test_eight_tills_of_a_store_get_eight_numbers(race):
    store = make_store()
    clerks = [make_clerk(store) for _number in range(TABS)]

    shifts, problems = race(
        lambda number: open_shift(store=store, device_id=f"device-{number:04}", by=clerks[number], now=NOON), TABS
    )

    assert problems == []
    assert sorted(shift.number for shift in shifts) == list(range(1, TABS + 1))


def naive_open(store, clerk, number):
    """Look, then write: what the real service must not do."""
    if not Shift.objects.filter(device_id=DEVICE, closed_at__isnull=True).exists():
        Shift.objects.create(
            store=store, clerk=clerk, device_id=DEVICE, business_date=NOON.date(), number=number, opened_at=NOON
        )  # fmt: skip


def test_the_same_race_catches_a_naive_beginning(race):
    clerk = make_clerk()
    store = Store.objects.get(scopes__operator=clerk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)",
            [["shift_open_once_per_device", "shift_open_once_per_clerk"]],
        )
        belts = cursor.fetchall()
    for name, _definition in belts:
        execute(f"DROP INDEX {name}")
    most = 0
    try:
        for turn in range(30):
            race(lambda number, turn=turn: naive_open(store, clerk, 1 + turn * TABS + number), TABS)
            most = max(most, Shift.objects.count())
            Shift.objects.all().delete()
            if most > 1:
                break
    finally:
        for _name, definition in belts:
            execute(definition)

    assert len(belts) == 2 and most > 1


def nothing():
    """Wait for nobody."""


def begin_work():
    """A clerk in a shift with seven coupons, three of them redeemed: clerk, shift, questions, redemption numbers."""
    clerk, terms = make_clerk(), make_terms(planned_count=TABS)
    shift = begin_shift(clerk, now=NOON)
    codes = [make_coupon(terms, member_id=number).code for number in range(TABS - 1)]
    questions = [ask(clerk, code, needs_shift=True) for code in codes]
    done = [redeem(question=question, request_id=uuid4(), now=NOON)["redemption_no"] for question in questions[:3]]
    return clerk, shift, questions, done


def hand_over_amid(race, clerk, shift, questions, done, *, before=nothing, after=nothing):
    """A till redeems and undoes while its shift is handed over: the slip then, the slip at last, what was refused."""

    def act(number):
        if number == 0:
            before()
            closed = close_shift(shift_id=shift.pk, device_id=DEVICE, by=clerk, now=NOON)
            figures = shift_figures(shift=closed, now=NOON)
            after()
            return figures
        if number <= len(done):
            return reverse(redemption_no=done[number - 1], device_id=DEVICE, reason="OTHER", by=clerk, now=NOON)
        return redeem(question=questions[number - 1], request_id=uuid4(), now=NOON)

    results, problems = race(act, TABS)

    shift.refresh_from_db()
    [slip] = [result for result in results if isinstance(result, dict) and "rows" in result]
    redeemed = Redemption.objects.filter(clerk=clerk)
    assert set(redeemed.values_list("shift_id", flat=True)) == {shift.pk}
    assert redeemed.count() == len(questions) - len(problems)
    return slip, shift_figures(shift=shift, now=NOON), problems


@pytest.mark.parametrize("round_number", range(5))
def test_a_slip_that_was_handed_over_never_changes(race, round_number):
    slip, at_last, problems = hand_over_amid(race, *begin_work())

    assert slip == at_last
    assert {type(problem) for problem in problems} <= {NoShift}


@pytest.mark.parametrize("lock", ["coupons.services.redeem.hold_shift", "coupons.services.reverse.is_held_open"])
def test_the_same_race_catches_a_shift_that_is_only_read(race, monkeypatch, lock):
    has_read, has_closed = Event(), Event()

    def only_read(**facts):
        key = {"pk": facts["shift_id"]} if "shift_id" in facts else {"clerk_id": facts["clerk_id"]}
        found = Shift.objects.filter(**key, closed_at__isnull=True).values_list("pk", flat=True).first()
        has_read.set()
        assert has_closed.wait(timeout=20)
        if "shift_id" in facts:
            return found is not None
        if found is None:
            raise NoShift
        return found

    work = begin_work()
    monkeypatch.setattr(lock, only_read)
    slip, at_last, _problems = hand_over_amid(
        race, *work, before=lambda: has_read.wait(timeout=20), after=has_closed.set
    )  # fmt: skip

    assert slip != at_last
