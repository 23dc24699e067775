"""A campaign's text to one's own phone."""

from datetime import timedelta

import pytest

from campaigns.models import Campaign, Run
from campaigns.services import trial
from coupons.models import Coupon, CouponBatch
from delivery.models import CapEntry, Dispatch, Message
from foundation.models import AuditEntry, Operator
from foundation.services.phones import seal
from tests.campaigns.test_path import BODY
from tests.delivery.ledgers import pump_all
from tests.factories import (
    MIDNIGHT,
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_terms,
    make_version,
    mobile,
)
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def planner() -> Operator:
    """An operator with a phone."""
    sealed = seal(mobile(77))
    return make_operator(display_name="李雯", phone_cipher=sealed.cipher, phone_tail=sealed.tail)


def draft(**facts) -> Campaign:
    return make_campaign(is_approved=False, version=make_version(BODY), terms=make_terms(), **facts)


def test_the_text_comes_to_ones_own_phone_and_nothing_else_happens(provider: FakeProvider, planner: Operator):
    make_channel("marketing", tiers=["MARKETING"])
    make_member(1)
    campaign = draft()

    trial.send_trial(campaign_id=campaign.pk, by=planner, now=NOON)
    pump_all(lane="urgent")

    assert provider.phones == [mobile(77)]
    assert provider.texts[0].startswith("【佳家超市】李雯您好") and "/c/00000000000" in provider.texts[0]
    assert not Run.objects.exists() and not CapEntry.objects.exists() and not Coupon.objects.issued().exists()
    assert CouponBatch.objects.get().issued_count == 0
    assert AuditEntry.objects.get(action="campaign.tried").actor == planner


def test_two_presses_send_once(provider: FakeProvider, planner: Operator, race):
    make_channel()
    campaign = draft()

    sent, refusals = race(lambda _number: trial.send_trial(campaign_id=campaign.pk, by=planner, now=NOON), 4)

    assert (len(sent), [type(one) for one in refusals]) == (1, [trial.TrialRefused] * 3)
    assert Message.objects.count() == 1
    trial.send_trial(campaign_id=campaign.pk, by=planner, now=NOON + timedelta(minutes=1))
    assert Dispatch.objects.count() == 2


@pytest.mark.parametrize("case", ["no phone", "night", "no channel"])
def test_what_can_not_be_tried_is_refused_with_a_sentence(provider: FakeProvider, planner: Operator, case):
    make_channel(tiers=["NOTICE"] if case == "no channel" else [])
    campaign = draft()
    by = make_operator() if case == "no phone" else planner

    with pytest.raises(trial.TrialRefused) as refusal:
        trial.send_trial(campaign_id=campaign.pk, by=by, now=MIDNIGHT if case == "night" else NOON)

    assert str(refusal.value) and not Dispatch.objects.exists() and not Message.objects.exists()
