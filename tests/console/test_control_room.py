"""The pages from which staff steer the sending: brakes, channels, replies."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from console import permissions
from console.permissions import OFFICE_ROLES
from delivery.models import Brake, Channel, Dispatch, Message, Reply, ReplyAnswer
from delivery.port import ReplyNote
from delivery.queries.control_room import Lane, lanes
from delivery.queries.watch import BEATING
from delivery.services import pump
from delivery.services.replies import receive_replies
from delivery.services.sweep import beat
from foundation import clock
from foundation.models import AuditEntry, Operator
from members.services.consent import opt_out
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_member, make_version, mobile

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def roles(committed: None) -> None:
    """The groups."""
    permissions.sync()


def client_of(role: str) -> Client:
    """A logged-in operator of one role."""
    operator = Operator.objects.create(username=role, is_staff=role in OFFICE_ROLES)
    operator.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(operator)
    return client


def test_stopping_everything_takes_a_reason_and_holds_until_it_is_released(provider):
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    client = client_of("marketing")
    shown = client.get("/console/sending/").content.decode()
    assert "<details" in shown and 'name="reason"' in shown  # the first click only unfolds

    answer = client.post("/console/sending/hold/", {"scope": "ALL", "reason": "价格写错了"}, follow=True)

    assert "价格写错了" in answer.content.decode()
    assert pump.send_chunk(lane="bulk", clock=lambda: NOON) == 0
    client.post("/console/sending/release/", {"scope": "ALL"})
    pump_all()
    assert provider.phones == [mobile(1)]
    actions = AuditEntry.objects.filter(action__startswith="brake").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["brake.pulled", "brake.released"]


@pytest.mark.parametrize("scope", ["", "TIER:NOBODY", "ALL "])
def test_a_brake_that_does_not_exist_is_not_found(scope):
    assert client_of("it").post("/console/sending/hold/", {"scope": scope, "reason": "x"}).status_code == 404
    assert not Brake.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("clerk", 403), ("store_manager", 403), ("approver", 302), ("it", 302)])
def test_who_may_pull_the_brake(role, status):
    answer = client_of(role).post("/console/sending/hold/", {"scope": "TIER:MARKETING", "reason": "x"})

    assert answer.status_code == status
    assert Brake.objects.exists() is (status == 302)


def test_it_drains_switches_off_and_opens_a_channel_and_marketing_does_not():
    channel = make_channel()
    client, other = client_of("it"), client_of("marketing")
    assert client.get("/console/channels/").status_code == other.get("/console/channels/").status_code == 200

    for action, state in (("drain", "DRAINED"), ("disable", "DISABLED"), ("open", "OPEN")):
        assert other.post(f"/console/channels/{channel.pk}/{action}/").status_code == 403
        client.post(f"/console/channels/{channel.pk}/{action}/")
        assert Channel.objects.get().state == state


def test_a_test_goes_through_the_drained_channel_it_is_for_and_through_no_other(provider):
    drained = make_channel("drained", state="DRAINED")
    make_channel("other")
    version = make_version("您好，{answer}", tier="NOTICE")

    client_of("it").post(f"/console/channels/{drained.pk}/test/", {"phone": "139 0000 0001", "version": version.pk})
    while pump.send_chunk(lane="urgent", clock=clock.now):
        pass

    assert provider.phones == [mobile(1)]
    assert Message.objects.get().channel_id == drained.pk
    assert "13900000001" not in str(AuditEntry.objects.values_list("detail", flat=True))


@pytest.mark.parametrize("phone", ["", "12345", "139000000012", "abc"])
def test_a_test_to_no_mobile_number_sends_nothing(phone):
    channel, version = make_channel(), make_version("您好，{answer}", tier="NOTICE")

    client_of("it").post(f"/console/channels/{channel.pk}/test/", {"phone": phone, "version": version.pk})

    assert not Dispatch.objects.exists()


def test_a_test_to_a_phone_that_opted_out_or_through_a_channel_that_is_off_is_refused():
    channel, version = make_channel(), make_version("您好，{answer}", tier="NOTICE")
    member = make_member(1)
    opt_out(phone_hash=member.phone_hash, source="REPLY", proof="test", now=NOON)
    client = client_of("it")

    client.post(f"/console/channels/{channel.pk}/test/", {"phone": mobile(1), "version": version.pk})
    Channel.objects.update(state="DISABLED")
    client.post(f"/console/channels/{channel.pk}/test/", {"phone": mobile(2), "version": version.pk})

    assert not Dispatch.objects.exists()


def reply_of(text: str = "这个券周末能用吗") -> Reply:
    """A reply that waits to be read."""
    channel = make_channel()
    member = make_member(1)
    note = ReplyNote(vendor_id="r1", phone=mobile(1), text=text)
    receive_replies(channel=channel, notes=[note], now=NOON)
    return Reply.objects.get(phone_hash=member.phone_hash)


def test_a_reply_is_read_taken_answered_and_put_away(provider):
    reply = reply_of()
    version = make_version("{name|会员}您好，{answer}", tier="NOTICE")
    client = client_of("marketing")
    assert "这个券周末能用吗" in client.get("/console/replies/").content.decode()

    client.post(f"/console/replies/{reply.pk}/assign/", {"to": "me"})
    assert "这个券周末能用吗" in client.get("/console/replies/?tab=mine").content.decode()
    client.post(f"/console/replies/{reply.pk}/", {"version": version.pk, "text": "能用。"})
    while pump.send_chunk(lane="urgent", clock=clock.now):
        pass

    reply.refresh_from_db()
    assert (reply.state, reply.assigned_to.username) == ("DONE", "marketing")
    assert ReplyAnswer.objects.count() == 1
    assert provider.texts[-1].endswith("会员1您好，能用。")
    assert mobile(1) not in client.get(f"/console/replies/{reply.pk}/").content.decode()


@pytest.mark.parametrize("text", ["", "{name}"])
def test_an_answer_without_words_or_with_merge_fields_is_refused(text):
    reply = reply_of()
    version = make_version("您好，{answer}", tier="NOTICE")

    client_of("marketing").post(f"/console/replies/{reply.pk}/", {"version": version.pk, "text": text})

    assert not ReplyAnswer.objects.exists() and not Dispatch.objects.exists()


def test_a_reply_is_put_away_once_and_a_colleague_without_the_right_changes_nothing():
    reply = reply_of()
    client = client_of("approver")
    for action in ("assign", "done"):
        assert client.post(f"/console/replies/{reply.pk}/{action}/", {"to": "me"}).status_code == 403
    assert client.post(f"/console/replies/{reply.pk}/", {"text": "x"}).status_code == 403

    desk = client_of("marketing")
    desk.post(f"/console/replies/{reply.pk}/done/")
    again = desk.post(f"/console/replies/{reply.pk}/done/", follow=True)

    assert "这条回复" in again.content.decode() or "already" in again.content.decode()
    assert Reply.objects.get().state == "DONE"


@pytest.mark.parametrize("reason", ["", "   "])
def test_nothing_is_stopped_without_a_reason(reason):
    client = client_of("marketing")

    client.post("/console/sending/hold/", {"scope": "ALL", "reason": reason})

    assert not Brake.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.parametrize("path", ["/console/", "/console/campaigns/", "/console/members/member/", "/console/alerts/"])
def test_every_office_page_says_what_is_held_and_by_whom_the_brake_was_pulled_stays_known(path):
    client = client_of("marketing")
    for name in BEATING:
        beat(name=name, now=clock.now())
    assert "k-strip" not in client.get(path).content.decode()

    client.post("/console/sending/hold/", {"scope": "TIER:MARKETING", "reason": "价格写错了"})
    assert "k-strip" in client.get(path).content.decode()
    client.post("/console/sending/release/", {"scope": "TIER:MARKETING"})

    assert "k-strip" not in client.get(path).content.decode()
    history = client.get("/console/sending/").context["history"]
    assert [(one.action, one.actor.username, one.detail) for _words, one in history] == [
        ("brake.released", "marketing", {}),
        ("brake.pulled", "marketing", {"reason": "价格写错了"}),
    ]


def test_each_tier_shows_what_waits_since_when_and_what_providers_hold(provider):
    make_channel()
    first, later = make_dispatch(), make_dispatch(not_before=NOON + timedelta(hours=3))
    add_people(first, [mobile(number) for number in range(5)])
    pump_all()
    add_people(first, [mobile(number) for number in range(5, 8)])
    add_people(later, [mobile(number) for number in range(8, 10)], not_before=NOON + timedelta(hours=3))

    found = {one.tier: one for one in lanes(tiers=["NOTICE", "MARKETING"], now=NOON + timedelta(hours=1))}

    marketing = found["MARKETING"]
    assert (marketing.waiting, marketing.at_providers, marketing.oldest) == (5, 5, NOON)
    assert found["NOTICE"] == Lane("NOTICE", 0, 0, None, 0, None)


@pytest.mark.parametrize("role", ["marketing", "approver", "it", "clerk", "store_manager", None])
@pytest.mark.parametrize(
    ("path", "readers"),
    [
        ("/console/sending/", {"marketing", "approver", "it"}),
        ("/console/channels/", {"marketing", "approver", "it"}),
        ("/console/unsure/", {"marketing", "approver"}),
        ("/console/replies/", {"marketing", "approver"}),
        ("/console/alerts/", {"marketing", "approver", "it"}),
        ("/console/proofs/", {"it"}),
        ("/console/receipts/unknown/", {"marketing", "approver", "it"}),
    ],
)
def test_who_may_look(path, readers, role):
    answer = (client_of(role) if role else Client()).get(path)

    assert answer.status_code == (200 if role in readers else 403 if role else 302)


@pytest.mark.parametrize("role", ["marketing", "approver", "it", "clerk", "store_manager"])
@pytest.mark.parametrize(
    ("path", "actors"),
    [
        ("/console/sending/hold/", {"marketing", "approver", "it"}),
        ("/console/sending/release/", {"marketing", "approver", "it"}),
        ("/console/channels/1/drain/", {"it"}),
        ("/console/channels/1/disable/", {"it"}),
        ("/console/channels/1/open/", {"it"}),
        ("/console/channels/1/test/", {"it"}),
        ("/console/unsure/sent/", {"approver"}),
        ("/console/unsure/not-sent/", {"approver"}),
        ("/console/replies/1/assign/", {"marketing"}),
        ("/console/replies/1/done/", {"marketing"}),
        ("/console/alerts/1/close/", {"it"}),
        ("/console/proofs/now/", {"it"}),
    ],
)
def test_who_may_act_and_nobody_by_following_a_link(path, actors, role):
    client = client_of(role)

    assert (client.post(path).status_code == 403) is (role not in actors)
    assert client.get(path).status_code == 405
