"""The nightly audit finds what is wrong, and only that."""

from datetime import timedelta

import pytest

from coupons.models import CouponBatch
from delivery.models import CapEntry, Handoff, Ready, TallyDelta, UnsureMessage, VendorRef
from delivery.services import proofs
from foundation.db import execute
from foundation.models import Alert, LedgerProof
from foundation.services.proofs import run_all
from foundation.services.sealing import seal_all
from tests.delivery.ledgers import choose, pass_gate, pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_terms, mobile
from tests.fakes.provider import FakeProvider, ambiguous, refuse

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def busy_ledger(provider: FakeProvider):
    """Messages in every kind of state, and one chunk in a worker's hands."""
    make_channel(batch_size=2)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(n) for n in range(10)])
    provider.script = [ambiguous, refuse("NUMBER"), refuse("RETRY")]
    for _chunk in range(3):
        from delivery.services import pump

        pump.send_chunk(lane="bulk", clock=lambda: NOON)
    pass_gate(choose())
    add_people(dispatch, [mobile(99)], consent="OPTED_OUT")
    pump_all()
    add_people(dispatch, [mobile(100)])
    return dispatch


def wrong() -> dict[str, int]:
    return {found.name: found.wrong_count for found in proofs.prove(now=NOON) if found.wrong_count}


def test_an_honest_ledger_proves_right(busy_ledger):
    found = proofs.prove(now=NOON)

    assert {one.name for one in found} == {"tallies", "queue", "handoffs", "unsure", "finished", "references", "slots"}
    assert [one for one in found if one.wrong_count] == []
    assert all(one.checked_count for one in found if one.name != "finished")


def damage_tally(_dispatch) -> None:
    TallyDelta.objects.order_by("id")[0].delete()


def damage_queue(_dispatch) -> None:
    Ready.objects.all()[:1].get().delete()


def damage_handoff(_dispatch) -> None:
    Handoff.objects.filter(state="FENCED").update(state="RECORDED")


def damage_unsure(_dispatch) -> None:
    UnsureMessage.objects.all()[:1].get().delete()


def damage_end(dispatch) -> None:
    type(dispatch).objects.filter(pk=dispatch.pk).update(closed_at=NOON, state="CLOSED")


def damage_reference(dispatch) -> None:
    VendorRef.objects.create(channel_id=1, vendor_id="x", month=dispatch.month, message_id=10**9, created_at=NOON)


def damage_slot(_dispatch) -> None:
    waiting = Ready.objects.all()[:1].get().message_id
    CapEntry.objects.create(message_id=waiting, phone_hash="0" * 32, fingerprint="0" * 32, at=NOON)


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (damage_tally, "tallies"), (damage_queue, "queue"), (damage_handoff, "handoffs"), (damage_unsure, "unsure"),
        (damage_end, "finished"), (damage_reference, "references"), (damage_slot, "slots"),
    ],
)  # fmt: skip
def test_each_kind_of_damage_is_found(busy_ledger, damage, name):
    damage(busy_ledger)

    assert name in wrong()


def test_a_wrong_ledger_alerts_once_and_a_mended_one_clears_it(busy_ledger):
    terms = make_terms()
    CouponBatch.objects.filter(pk=terms.batch_id).update(issued_count=7)
    seal_all(now=NOON)

    run_all(now=NOON)
    run_all(now=NOON + timedelta(days=1))
    alert = Alert.objects.get(code="LEDGER_WRONG")
    CouponBatch.objects.filter(pk=terms.batch_id).update(issued_count=0)
    run_all(now=NOON + timedelta(days=2))

    assert (alert.subject, alert.times_count, alert.facts["wrong"]) == ("foundation.ledgerproof:batches", 2, 1)
    assert not Alert.objects.filter(closed_at=None).exists()
    latest = LedgerProof.objects.filter(name="batches").order_by("-id")
    assert [(one.wrong_count, one.samples) for one in latest] == [(0, []), (1, [terms.batch_id]), (1, [terms.batch_id])]


def test_a_lost_message_is_found_even_when_counts_agree(busy_ledger):
    execute("DELETE FROM delivery_message WHERE state = 'PLANNED'")

    assert {"tallies", "queue"} <= set(wrong())
