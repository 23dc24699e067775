"""Making the unused coupons of a batch void: one asks, another decides, once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from coupons.models import BatchVoid, Coupon, CouponBatch, VoidState
from coupons.queries.batch import batch_figures
from coupons.services import batches, voiding
from coupons.services.redeem import redeem
from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import AuditEntry, Job
from foundation.services import jobs
from tests.coupons.tills import ask as question_of
from tests.coupons.tills import make_clerk, make_coupon, pause
from tests.factories import NOON, make_operator, make_terms

pytestmark = pytest.mark.django_db

DECIDERS = 8


def ask(coupon: Coupon, by=None) -> BatchVoid:
    return batches.ask_void(batch_id=coupon.batch_id, reason="印错了", by=by or make_operator(), now=NOON)


def decide(coupon: Coupon, *, is_confirmed: bool = True, by=None) -> BatchVoid:
    return batches.decide_void(
        batch_id=coupon.batch_id, is_confirmed=is_confirmed, by=by or make_operator(), now=NOON
    )  # fmt: skip


def actions() -> list[str]:
    found = AuditEntry.objects.filter(action__startswith="batch.void").order_by("id")
    return list(found.values_list("action", flat=True))


def test_nothing_becomes_void_before_a_second_person_confirms():
    coupon = make_coupon()

    ask(coupon)

    coupon.refresh_from_db()
    assert (coupon.state, coupon.batch.state) == ("ISSUED", "ACTIVE")
    assert actions() == ["batch.void_asked"]


@pytest.mark.parametrize("state", ["ACTIVE", "PAUSED"])
def test_a_second_person_confirms_and_only_unused_coupons_go(state):
    terms = make_terms()
    coupon, used = make_coupon(terms), make_coupon(terms, member_id=2, state="REDEEMED", uses_count=1)
    unsent = make_coupon(terms, member_id=3, state="VOID", void_reason="NOT_SENT")
    pause(coupon, state)
    ask(coupon)

    decide(coupon)
    jobs.run_due(now=NOON + timedelta(minutes=1))

    for one in (coupon, used, unsent):
        one.refresh_from_db()
    assert (coupon.state, coupon.void_reason, coupon.voided_at) == ("VOID", "BATCH_VOIDED", NOON)
    assert (used.state, unsent.void_reason) == ("REDEEMED", "NOT_SENT")
    assert (BatchVoid.objects.get().coupon_count, CouponBatch.objects.get().state) == (1, "VOIDED")
    assert actions() == ["batch.void_asked", "batch.voided"]


def test_no_till_takes_a_coupon_from_the_confirmation_on():
    coupon, clerk = make_coupon(), make_clerk()
    ask(coupon)
    decide(coupon)

    answer = redeem(question=question_of(clerk, coupon.code), request_id=uuid4(), now=NOON)

    assert (answer["verdict"], answer["reason"]) == ("REFUSED", "VOID")
    figures = batch_figures(batch=CouponBatch.objects.get(), terms=coupon.terms)
    assert (figures.unused, figures.void, figures.exposure_fen) == (0, 1, 0)


def test_the_job_goes_part_by_part_and_a_second_run_finds_nothing(monkeypatch):
    monkeypatch.setattr(voiding, "PART", 2)
    terms = make_terms()
    coupons = [make_coupon(terms, member_id=number) for number in range(5)]
    other = make_coupon()
    ask(coupons[0])
    decide(coupons[0])

    jobs.run_due(now=NOON)
    job = Job.objects.get()
    voiding.run_void(job=job, now=NOON)

    assert (job.state, job.done_count, job.total_count, job.report) == ("DONE", 5, 5, {"voided": 5})
    assert set(Coupon.objects.filter(batch=terms.batch).values_list("state", "voided_at")) == {("VOID", NOON)}
    assert BatchVoid.objects.get().coupon_count == 5
    other.refresh_from_db()
    assert other.state == "ISSUED"


def test_nobody_confirms_their_own_wish():
    coupon, by = make_coupon(), make_operator()
    ask(coupon, by)

    for is_confirmed in (True, False):
        with pytest.raises(NotAllowed):
            decide(coupon, by=by, is_confirmed=is_confirmed)

    coupon.refresh_from_db()
    assert (coupon.state, BatchVoid.objects.get().state) == ("ISSUED", "ASKED")


def test_the_database_refuses_one_person_as_well():
    coupon, by = make_coupon(), make_operator()
    ask(coupon, by)

    with pytest.raises(IntegrityError, match="batch_void_four_eyes"), transaction.atomic():
        BatchVoid.objects.update(state=VoidState.CONFIRMED, decided_by=by, decided_at=NOON)


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_wish_needs_a_reason(reason):
    coupon = make_coupon()

    with pytest.raises(DomainError):
        batches.ask_void(batch_id=coupon.batch_id, reason=reason, by=make_operator(), now=NOON)

    assert not BatchVoid.objects.exists()


@pytest.mark.parametrize("state", ["DRAFT", "SUBMITTED", "REJECTED", "ENDED", "VOIDED"])
def test_a_batch_that_is_not_open_can_not_be_made_void(state):
    coupon = make_coupon()
    pause(coupon, state)

    with pytest.raises(HasMoved):
        ask(coupon)


def test_a_batch_that_moved_on_meanwhile_is_left_alone():
    coupon = make_coupon()
    ask(coupon)
    pause(coupon, "ENDED")

    with pytest.raises(HasMoved):
        decide(coupon)

    coupon.refresh_from_db()
    assert (coupon.state, BatchVoid.objects.get().state) == ("ISSUED", "ASKED")


def test_asking_again_keeps_the_first_wish_and_after_a_refusal_makes_a_new_one():
    coupon, first = make_coupon(), make_operator()
    ask(coupon, first)
    assert ask(coupon).asked_by == first
    decide(coupon, is_confirmed=False)

    again = ask(coupon)

    assert (again.state, again.decided_by, again.asked_by == first) == ("ASKED", None, False)
    assert actions() == ["batch.void_asked", "batch.void_refused", "batch.void_asked"]
    assert Coupon.objects.get().state == "ISSUED"


def test_the_same_decision_again_changes_nothing():
    coupon, boss = make_coupon(), make_operator()
    ask(coupon)

    assert decide(coupon, by=boss).decided_at == decide(coupon, by=boss).decided_at
    assert Job.objects.filter(kind="coupons.void_batch").count() == 1
    with pytest.raises(HasMoved):
        decide(coupon)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed")
def test_of_many_who_decide_at_once_one_wins(race):
    for _round in range(5):
        coupon, bosses = make_coupon(), [make_operator() for _number in range(DECIDERS)]
        ask(coupon)

        wins, refusals = race(
            lambda number, one=coupon, by=bosses: decide(one, is_confirmed=number % 2 == 0, by=by[number]), DECIDERS
        )

        wish, batch = BatchVoid.objects.get(pk=coupon.batch_id), CouponBatch.objects.get(pk=coupon.batch_id)
        queued = Job.objects.filter(params={"batch_id": batch.pk}).count()
        assert (len(wins), {type(one) for one in refusals}) == (1, {HasMoved})
        assert (wish.state == "CONFIRMED") == (batch.state == "VOIDED") == (queued == 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed")
def test_the_same_race_catches_a_decision_without_the_lock(race):
    def naive(coupon: Coupon, number: int, by) -> str:
        with transaction.atomic():
            wish = BatchVoid.objects.get(pk=coupon.batch_id)
            if wish.state != VoidState.ASKED:
                return "LATE"
            wish.state = VoidState.REFUSED if number % 2 else VoidState.CONFIRMED
            wish.decided_by, wish.decided_at = by, NOON
            wish.save()
            return "DECIDED"

    most = 0
    for _round in range(30):
        coupon, bosses = make_coupon(), [make_operator() for _number in range(DECIDERS)]
        ask(coupon)
        answers, _problems = race(lambda number, one=coupon, by=bosses: naive(one, number, by[number]), DECIDERS)
        most = max(most, answers.count("DECIDED"))
        if most > 1:
            break

    assert most > 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed")
def test_many_who_ask_at_once_make_one_wish(race):
    coupon, people = make_coupon(), [make_operator() for _number in range(DECIDERS)]

    wins, refusals = race(lambda number: ask(coupon, people[number]), DECIDERS)

    assert (refusals, {wish.asked_by_id for wish in wins}) == ([], {BatchVoid.objects.get().asked_by_id})
    assert actions() == ["batch.void_asked"]
