"""Many tills at one moment, with real threads and really committed rows."""

from uuid import uuid4

import pytest
from django.db import transaction

from coupons.models import Coupon, Redemption, RedemptionAttempt, RedemptionRequest
from coupons.services import batches
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from foundation.errors import DomainError
from members.models import Store
from tests.coupons.tills import ask, make_clerk, make_coupon, make_manager
from tests.factories import NOON, make_operator

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("committed")]

TILLS = 8


def check_ledger(coupon):
    """What must hold of a coupon whatever happened to it."""
    coupon.refresh_from_db()
    uses = Redemption.objects.filter(coupon=coupon)
    assert coupon.uses_count == uses.filter(state="ACCEPTED").count() <= coupon.max_uses
    assert sorted(uses.values_list("use_seq", flat=True)) == list(range(1, coupon.use_seq + 1))
    assert (coupon.state == "REDEEMED") == (coupon.uses_count == coupon.max_uses)


def test_one_code_at_eight_tills_is_redeemed_once(race):
    clerk = make_clerk()
    for _round in range(5):
        coupon = make_coupon()
        questions = [ask(clerk, coupon.code, device_id=f"device-{number:04}") for number in range(TILLS)]

        answers, problems = race(
            lambda number, asked=questions: redeem(question=asked[number], request_id=uuid4(), now=NOON), TILLS
        )

        verdicts = sorted(answer.get("reason", answer["verdict"]) for answer in answers)
        assert not problems
        assert verdicts == ["ALREADY_REDEEMED"] * (TILLS - 1) + ["REDEEMED"]
        assert RedemptionAttempt.objects.filter(coupon=coupon).count() == TILLS - 1
        check_ledger(coupon)


def naive_redeem(coupon_id):
    """Read, decide, write: what the real service must not do."""
    with transaction.atomic():
        coupon = Coupon.objects.get(pk=coupon_id)
        if coupon.uses_count >= coupon.max_uses:
            return "REFUSED"
        coupon.uses_count += 1
        coupon.state = "REDEEMED"
        coupon.save(update_fields=["uses_count", "state"])
        return "REDEEMED"


def test_the_same_race_catches_a_naive_redemption(race):
    most = 0
    for _round in range(30):
        coupon = make_coupon()
        verdicts, _problems = race(lambda _number, pk=coupon.pk: naive_redeem(pk), TILLS)
        most = max(most, verdicts.count("REDEEMED"))
        if most > 1:
            break

    assert most > 1


def test_one_request_from_eight_threads_is_one_redemption_and_eight_equal_answers(race):
    clerk, coupon, request_id = make_clerk(), make_coupon(), uuid4()
    question = ask(clerk, coupon.code)

    answers, problems = race(lambda _number: redeem(question=question, request_id=request_id, now=NOON), TILLS)

    assert not problems
    assert len(answers) == TILLS and all(answer == answers[0] for answer in answers)
    assert (answers[0]["verdict"], answers[0]["repeat"]) == ("REDEEMED", False)
    assert (Redemption.objects.count(), RedemptionRequest.objects.count()) == (1, 1)
    check_ledger(coupon)


@pytest.mark.parametrize("round_number", range(5))
def test_redeeming_undoing_and_voiding_at_once_ends_legally(race, round_number):
    clerk, coupon = make_clerk(), make_coupon()
    store = Store.objects.get(scopes__operator=clerk)
    manager, boss = make_manager(store), make_operator()
    batches.ask_void(batch_id=coupon.batch_id, reason="测试", by=make_operator(), now=NOON)
    first = redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)
    questions = [ask(clerk, coupon.code, device_id=f"device-{number:04}") for number in range(TILLS)]

    def act(number):
        if number in (0, 1):
            facts = {"redemption_no": first["redemption_no"], "device_id": "device-0001", "reason": "OTHER"}
            return reverse(**facts, by=manager, now=NOON)
        if number == 2:
            return batches.decide_void(batch_id=coupon.batch_id, is_confirmed=True, by=boss, now=NOON)
        return redeem(question=questions[number], request_id=uuid4(), now=NOON)

    _results, problems = race(act, TILLS)

    assert [type(problem) for problem in problems if not isinstance(problem, DomainError)] == []
    check_ledger(coupon)
    coupon.batch.refresh_from_db()
    assert coupon.batch.state == "VOIDED"
    answer = redeem(question=ask(clerk, coupon.code, device_id="device-9999"), request_id=uuid4(), now=NOON)
    assert answer["reason"] == "VOID"
