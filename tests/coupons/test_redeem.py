"""Redeeming, the reasons against it, and undoing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from coupons.models import Coupon, Redemption, RedemptionAttempt, RedemptionRequest, Reversal
from coupons.services.redeem import RequestReused, preview, redeem, result_of
from coupons.services.release import on_not_sent
from coupons.services.reverse import UndoTooLate, reverse
from foundation.errors import NotAllowed
from members.models import Store
from tests.coupons.tills import DEVICE, ask, make_clerk, make_coupon, make_manager, pause
from tests.factories import NOON, make_store, make_terms

pytestmark = pytest.mark.django_db

CASH = {"kind": "CASH", "face_fen": 1_000, "min_spend_fen": 5_000}
SHARE = {"kind": "DISCOUNT", "face_fen": 0, "min_spend_fen": 0, "percent_off_bp": 2_000, "cap_fen": 1_500}
GIFT = {"kind": "EXCHANGE", "face_fen": 0, "min_spend_fen": 0, "gift_name": "土鸡蛋 1 盒"}


@pytest.mark.parametrize(
    ("terms", "ticket_fen", "saving_fen"),
    [
        (CASH, 5_000, 1_000),
        (CASH, 123_456, 1_000),
        (SHARE, 3_333, 666),  # a percentage is rounded down
        (SHARE, 7_500, 1_500),
        (SHARE, 99_999, 1_500),
        (GIFT, 4_200, 0),
    ],
)
def test_redeem_takes_off_the_exact_fen(terms, ticket_fen, saving_fen):
    clerk, coupon = make_clerk(), make_coupon(make_terms(**terms))

    answer = redeem(question=ask(clerk, coupon.code, ticket_fen=ticket_fen), request_id=uuid4(), now=NOON)

    redemption = Redemption.objects.get()
    assert (answer["verdict"], answer["saving_fen"], answer["repeat"]) == ("REDEEMED", saving_fen, False)
    assert (redemption.discount_fen, redemption.ticket_fen, redemption.use_seq) == (saving_fen, ticket_fen, 1)
    assert redemption.redemption_no == answer["redemption_no"]
    assert str(redemption.business_date) == "2026-11-20"
    assert Coupon.objects.values("state", "uses_count").get() == {"state": "REDEEMED", "uses_count": 1}


def test_the_business_day_is_the_one_at_the_till():
    clerk, coupon = make_clerk(), make_coupon()
    past_midnight = NOON + timedelta(hours=12, minutes=1)

    redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=past_midnight)

    assert str(Redemption.objects.get().business_date) == "2026-11-21"


def refused(coupon, *, now=NOON, clerk=None, text=None, **question):
    """Redeem, expect a refusal, and see that nothing but the attempt was written."""
    clerk = clerk or make_clerk()
    before = Coupon.objects.filter(pk=coupon.pk).values().get()

    answer = redeem(question=ask(clerk, text or coupon.code, **question), request_id=uuid4(), now=now)

    assert answer["verdict"] == "REFUSED"
    assert Coupon.objects.filter(pk=coupon.pk).values().get() == before
    attempt = RedemptionAttempt.objects.get()
    assert (attempt.reason, attempt.clerk, attempt.at) == (answer["reason"], clerk, now)
    return answer


def test_a_code_that_nobody_has_is_refused():
    coupon = make_coupon()
    gone = coupon.code
    Coupon.objects.filter(pk=coupon.pk).update(code="000000000000")

    answer = refused(coupon, text=gone)

    assert answer["reason"] == "NOT_FOUND"
    assert gone not in str(answer)


def test_a_mistyped_code_is_refused():
    coupon = make_coupon()
    wrong = coupon.code[:-1] + ("0" if coupon.code[-1] != "0" else "1")

    assert refused(coupon, text=wrong)["reason"] == "MALFORMED"
    assert not RedemptionAttempt.objects.get().is_well_formed


def test_a_void_coupon_is_refused():
    assert refused(make_coupon(state="VOID"))["reason"] == "VOID"


def test_a_coupon_of_a_voided_batch_is_refused():
    coupon = make_coupon()
    pause(coupon, "VOIDED")

    assert refused(coupon)["reason"] == "VOID"


def test_a_coupon_of_a_paused_batch_is_refused():
    coupon = make_coupon()
    pause(coupon)

    assert refused(coupon)["reason"] == "BATCH_PAUSED"


def test_a_coupon_of_an_ended_batch_is_still_taken():
    clerk, coupon = make_clerk(), make_coupon()
    pause(coupon, "ENDED")

    assert redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)["verdict"] == "REDEEMED"


def test_another_store_is_refused_and_the_right_ones_are_named():
    coupon = make_coupon()
    coupon.terms.stores.add(make_store("A", name="莘庄店"))

    answer = refused(coupon)

    assert (answer["reason"], answer["facts"]["stores"]) == ("WRONG_STORE", ["莘庄店"])


def test_too_low_a_ticket_is_refused_with_what_is_missing():
    answer = refused(make_coupon(), ticket_fen=4_999)

    assert (answer["reason"], answer["retryable"]) == ("MIN_SPEND", True)
    assert answer["facts"]["missing_fen"] == 1


def test_a_missing_amount_is_refused():
    assert refused(make_coupon(), ticket_fen=None)["reason"] == "MIN_SPEND"


def test_a_used_coupon_is_refused_with_when_where_and_who():
    first, coupon = make_clerk(display_name="周敏"), make_coupon()
    redeem(question=ask(first, coupon.code), request_id=uuid4(), now=NOON)

    answer = refused(coupon, now=NOON + timedelta(hours=1), device_id="device-0002")

    facts = answer["facts"]
    assert answer["reason"] == "ALREADY_REDEEMED"
    assert (facts["clerk"], facts["seconds_ago"], facts["here"]) == ("周敏", 3_600, False)
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "moved", "reason"),
    [
        ("valid_from", timedelta(seconds=1), "NOT_YET_VALID"),
        ("valid_from", timedelta(0), None),
        ("valid_until", timedelta(0), "EXPIRED"),
        ("valid_until", timedelta(microseconds=1), None),
    ],
)
def test_validity_is_half_open(field, moved, reason):
    ends = {"valid_from": NOON - timedelta(days=1), "valid_until": NOON + timedelta(days=1)} | {field: NOON + moved}
    clerk, coupon = make_clerk(), make_coupon(**ends)

    answer = redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)

    assert answer.get("reason") == reason
    assert Redemption.objects.exists() == (reason is None)


@pytest.mark.parametrize("write", ["{}", " {} ", "]Q1C1.{}", "c1.{}", "https://c.example.cn/R/{}?x=1"])
def test_a_code_is_read_however_it_comes_in(write):
    clerk, coupon = make_clerk(), make_coupon()

    answer = redeem(question=ask(clerk, write.format(coupon.code.lower())), request_id=uuid4(), now=NOON)

    assert answer["verdict"] == "REDEEMED"


def test_the_same_request_gets_the_stored_answer():
    clerk, coupon, request_id = make_clerk(), make_coupon(), uuid4()
    first = redeem(question=ask(clerk, coupon.code), request_id=request_id, now=NOON)

    again = redeem(question=ask(clerk, coupon.code), request_id=request_id, now=NOON + timedelta(hours=5))

    assert again == first == result_of(device_id=DEVICE, request_id=request_id)
    assert Redemption.objects.count() == 1


def test_a_refusal_is_stored_too():
    clerk, coupon, request_id = make_clerk(), make_coupon(), uuid4()
    pause(coupon)
    first = redeem(question=ask(clerk, coupon.code), request_id=request_id, now=NOON)
    pause(coupon, "ACTIVE")

    assert redeem(question=ask(clerk, coupon.code), request_id=request_id, now=NOON) == first
    assert RedemptionAttempt.objects.count() == 1


@pytest.mark.parametrize("other", [{"ticket_fen": 20_000}, {"receipt_no": "7"}, {"input_channel": "SCANNER"}])
def test_another_question_under_the_same_request_is_refused(other):
    clerk, coupon, request_id = make_clerk(), make_coupon(), uuid4()
    redeem(question=ask(clerk, coupon.code), request_id=request_id, now=NOON)

    with pytest.raises(RequestReused):
        redeem(question=ask(clerk, coupon.code, **other), request_id=request_id, now=NOON)

    assert (Redemption.objects.count(), RedemptionRequest.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("seconds", "device_id", "verdict"),
    [(10, DEVICE, "REDEEMED"), (11, DEVICE, "REFUSED"), (5, "device-0002", "REFUSED")],
)
def test_a_double_read_is_green_for_ten_seconds_on_the_same_device(seconds, device_id, verdict):
    clerk, coupon = make_clerk(), make_coupon()
    first = redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)

    again = redeem(
        question=ask(clerk, coupon.code, device_id=device_id), request_id=uuid4(), now=NOON + timedelta(seconds=seconds)
    )

    assert again["verdict"] == verdict
    assert again.get("redemption_no") == (first["redemption_no"] if verdict == "REDEEMED" else None)
    assert again.get("repeat") == (True if verdict == "REDEEMED" else None)
    assert Redemption.objects.count() == 1


def test_preview_of_a_double_read_is_green_too():
    clerk, coupon = make_clerk(), make_coupon()
    first = redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)

    again = preview(question=ask(clerk, coupon.code), now=NOON + timedelta(seconds=10))

    assert (again["verdict"], again["repeat"]) == ("REDEEMED", True)
    assert again["redemption_no"] == first["redemption_no"]
    assert not RedemptionAttempt.objects.exists()


def test_preview_changes_nothing():
    clerk, coupon = make_clerk(), make_coupon()

    answer = preview(question=ask(clerk, coupon.code), now=NOON)

    assert (answer["verdict"], answer["saving_fen"]) == ("OPEN", 1_000)
    assert not Redemption.objects.exists() and not RedemptionAttempt.objects.exists()


def test_preview_does_not_ask_for_the_amount():
    clerk, coupon = make_clerk(), make_coupon()

    answer = preview(question=ask(clerk, coupon.code, ticket_fen=None), now=NOON)

    assert (answer["verdict"], answer["requires_amount"]) == ("OPEN", True)


def test_guessing_by_preview_leaves_attempts():
    clerk, coupon = make_clerk(), make_coupon(state="VOID")

    preview(question=ask(clerk, coupon.code), now=NOON)

    assert RedemptionAttempt.objects.get().reason == "VOID"


def redeemed(*, now=NOON):
    """A clerk, their coupon, and its fresh redemption."""
    clerk, coupon = make_clerk(), make_coupon()
    answer = redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=now)
    return clerk, coupon, answer["redemption_no"]


def undo(number, by, *, now, device_id=DEVICE):
    return reverse(redemption_no=number, device_id=device_id, reason="MISSCAN", by=by, now=now)


def test_the_clerk_undoes_within_minutes_and_the_coupon_can_be_used_again():
    clerk, coupon, number = redeemed()
    later = NOON + timedelta(minutes=10)

    undo(number, clerk, now=later)
    again = redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=later)

    coupon.refresh_from_db()
    assert (again["verdict"], coupon.uses_count, coupon.use_seq, coupon.state) == ("REDEEMED", 1, 2, "REDEEMED")
    assert list(Redemption.objects.order_by("id").values_list("use_seq", "state")) == [(1, "REVERSED"), (2, "ACCEPTED")]


def not_undone(number):
    """Nothing of a redemption has moved."""
    redemption = Redemption.objects.get(redemption_no=number)
    return redemption.state == "ACCEPTED" and redemption.coupon.uses_count == 1 and not Reversal.objects.exists()


def test_the_clerk_is_too_late_after_the_minutes():
    clerk, _coupon, number = redeemed()

    with pytest.raises(UndoTooLate):
        undo(number, clerk, now=NOON + timedelta(minutes=10, seconds=1))

    assert not_undone(number)


def test_another_device_or_clerk_may_not_undo():
    clerk, _coupon, number = redeemed()
    colleague = make_clerk(Store.objects.get(scopes__operator=clerk))

    with pytest.raises(NotAllowed):
        undo(number, clerk, now=NOON, device_id="device-0002")
    with pytest.raises(NotAllowed):
        undo(number, colleague, now=NOON)

    assert not_undone(number)


def test_the_manager_undoes_on_the_same_day_only():
    clerk, _coupon, number = redeemed()
    manager = make_manager(Store.objects.get(scopes__operator=clerk))

    with pytest.raises(UndoTooLate):
        undo(number, manager, now=NOON + timedelta(hours=12))
    assert not_undone(number)
    undo(number, manager, now=NOON + timedelta(hours=12, seconds=-1), device_id="device-0009")

    assert Reversal.objects.get().by == manager


def test_a_manager_undoes_own_redemptions_like_a_clerk_only():
    store = make_store("A")
    manager, coupons = make_manager(store), [make_coupon(member_id=number) for number in (1, 2)]
    early, late = (
        redeem(question=ask(manager, coupon.code), request_id=uuid4(), now=NOON)["redemption_no"] for coupon in coupons
    )

    undo(early, manager, now=NOON + timedelta(minutes=10))
    with pytest.raises(NotAllowed):
        undo(late, manager, now=NOON + timedelta(minutes=10, seconds=1))
    with pytest.raises(NotAllowed):
        undo(late, manager, now=NOON, device_id="device-0002")
    undo(late, make_manager(store), now=NOON + timedelta(hours=1))

    assert Reversal.objects.count() == 2


def test_the_manager_of_another_store_may_not_undo():
    _clerk, _coupon, number = redeemed()

    with pytest.raises(NotAllowed):
        undo(number, make_manager(), now=NOON)

    assert not_undone(number)


def test_undoing_twice_is_one_undo():
    clerk, coupon, number = redeemed()

    first, second = undo(number, clerk, now=NOON), undo(number, clerk, now=NOON + timedelta(minutes=1))

    coupon.refresh_from_db()
    assert (first, coupon.uses_count, coupon.state) == (second, 0, "ISSUED")


def test_coupons_of_messages_that_were_not_sent_go_back_once():
    kept, unsent = make_coupon(), None
    unsent = make_coupon(kept.terms, member_id=2)
    payload = {"sender_refs": [unsent.pk], "source": "test:1"}

    on_not_sent(payload=payload, now=NOON)
    on_not_sent(payload=payload, now=NOON)

    unsent.refresh_from_db()
    kept.refresh_from_db()
    kept.batch.refresh_from_db()
    assert (unsent.state, unsent.void_reason, kept.state) == ("VOID", "NOT_SENT", "ISSUED")
    assert (kept.batch.issued_count, Coupon.objects.issued().count()) == (1, 1)


def test_a_used_coupon_does_not_go_back():
    _clerk, coupon, _number = redeemed()

    on_not_sent(payload={"sender_refs": [coupon.pk], "source": "test:1"}, now=NOON)

    coupon.refresh_from_db()
    assert (coupon.state, coupon.batch.issued_count) == ("REDEEMED", 1)
