"""What members write back, and what staff answer."""

from datetime import timedelta

import pytest

from delivery.models import Dispatch, Message, Reply, ReplyAnswer, ReplyState
from delivery.port import ReplyNote
from delivery.services import replies
from foundation.errors import DomainError, HasMoved
from foundation.services.phones import hash_phone
from members.models import ConsentEvent, PhoneGate
from members.services.consent import opt_out
from members.services.suppression import suppress
from templates_sms.services import TextRefused
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, make_channel, make_member, make_operator, make_version, mobile
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")


def hear(text: str, phone: str = mobile(1), number: str = "r1") -> Reply:
    channel = make_channel(f"c{number}")
    replies.receive_replies(channel=channel, notes=[ReplyNote(number, phone, text)], now=NOON)
    return Reply.objects.get(vendor_id=number)


def test_a_keyword_brings_a_person_back_with_proof():
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="reply:0", now=NOON - timedelta(days=1))

    reply = hear(" dy ")

    assert (reply.state, reply.done_at) == (ReplyState.HANDLED, NOON)
    assert PhoneGate.objects.get().consent == "GRANTED"
    assert ConsentEvent.objects.order_by("-id")[0].proof == f"reply:{reply.pk}"


def test_a_handler_that_breaks_costs_neither_the_reply_nor_an_opt_out(settings):
    settings.REPLY_HANDLERS = ["tests.delivery.test_replies.breaks", "delivery.services.replies.come_back"]
    channel = make_channel()
    notes = [ReplyNote("r1", mobile(1), "几点关门"), ReplyNote("r2", mobile(2), "T"), ReplyNote("r3", mobile(3), "DY")]

    assert replies.receive_replies(channel=channel, notes=notes, now=NOON) == 3

    assert dict(Reply.objects.values_list("vendor_id", "state")) == {"r1": "INBOX", "r2": "OPT_OUT", "r3": "HANDLED"}


def breaks(**_facts) -> bool:
    """A handler with a fault."""
    PhoneGate.objects.create(phone_hash=None)
    return True


def test_staff_answer_one_person_in_the_notice_tier(provider: FakeProvider):
    make_member(1, name="王芳", is_demo=False)
    reply = hear("几点关门？")
    person = make_operator()
    opt_out(phone_hash=reply.phone_hash, source="REPLY", proof="x", now=NOON)
    version = make_version("{name|会员}您好，{answer}", tier="NOTICE")

    given = replies.answer(reply_id=reply.pk, version=version, text="晚上十点。", by=person, now=NOON)
    pump_all(lane="urgent")

    assert provider.texts == ["【佳家超市】王芳您好，晚上十点。"]
    assert provider.phones == [mobile(1)]
    message = Message.objects.get(dispatch_id=given.dispatch_id)
    assert (message.tier, message.state) == ("NOTICE", "ACCEPTED")
    assert (Reply.objects.get().state, Reply.objects.get().assigned_to) == (ReplyState.DONE, person)


def test_a_second_answer_is_a_second_message(provider: FakeProvider):
    reply = hear("几点关门？")
    version = make_version("您好，{answer}", tier="NOTICE")

    for text in ("晚上十点。", "周末十一点。"):
        replies.answer(reply_id=reply.pk, version=version, text=text, by=make_operator(), now=NOON)

    assert Dispatch.objects.count() == ReplyAnswer.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "tier", "text", "refusal"),
    [
        ("全场八折。", "MARKETING", "", DomainError),
        ("您好，{answer}", "NOTICE", "{name}", TextRefused),
        ("您好，{answer}", "NOTICE", "第一行\n第二行", TextRefused),
        ("您好，{answer}", "NOTICE", "国家级品质", TextRefused),
    ],
)
def test_an_answer_that_may_not_be_sent_changes_nothing(body, tier, text, refusal):
    reply = hear("几点关门？")
    version = make_version(body, tier=tier)

    with pytest.raises(refusal):
        replies.answer(reply_id=reply.pk, version=version, text=text, by=make_operator(), now=NOON)

    assert not Dispatch.objects.exists() and Reply.objects.get().state == ReplyState.INBOX


def test_a_suppressed_phone_gets_no_answer(provider: FakeProvider):
    reply = hear("几点关门？")
    suppress(phone_hash=reply.phone_hash, kind="MANUAL", now=NOON)
    version = make_version("您好，{answer}", tier="NOTICE")

    replies.answer(reply_id=reply.pk, version=version, text="晚上十点。", by=make_operator(), now=NOON)
    pump_all(lane="urgent")

    assert provider.calls == [] and Message.objects.get().reason == "SUPPRESSED"


def test_a_reply_is_given_to_somebody_and_put_away_once():
    reply, person = hear("谢谢"), make_operator()
    replies.assign(reply_id=reply.pk, to=person, by=person, now=NOON)
    assert Reply.objects.get().assigned_to == person

    replies.done(reply_id=reply.pk, by=person, now=NOON)

    with pytest.raises(HasMoved):
        replies.done(reply_id=reply.pk, by=person, now=NOON)
    with pytest.raises(HasMoved):
        replies.assign(reply_id=reply.pk, to=None, by=person, now=NOON)


def test_answer_stands_in_notices_only():
    with pytest.raises(TextRefused):
        make_version("您好，{answer}", tier="MARKETING")
