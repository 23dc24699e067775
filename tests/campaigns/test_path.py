"""One campaign through the whole house, in one process."""

from datetime import timedelta

import pytest

from campaigns.models import Campaign, CampaignState, Run, RunState
from campaigns.queries import preflight, report, wave_plan
from campaigns.services import freeze, runs
from coupons.models import Coupon, CouponBatch, CouponState
from delivery.models import Dispatch, Message
from delivery.port import ReceiptNote, ReplyNote
from delivery.rules.categories import Category
from delivery.services import pump, receipts, replies, sweep
from foundation.services import outbox
from foundation.services.phones import hash_phone
from members.services.imports import import_now
from members.services.suppression import suppress
from tests.delivery.ledgers import assert_counts_hold, pump_all, states
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_segment,
    make_terms,
    make_version,
    mobile,
)
from tests.fakes.provider import FakeProvider, refuse, refuse_phone

pytestmark = pytest.mark.usefixtures("committed", "import_folder")

FILE = """会员卡号,手机号,姓名,城市,营销同意
K1,{0},小王,上海,是
K2,{1},小李,上海,是
K3,{2},小张,上海,否
K4,{3},小赵,杭州,是
K5,{4},小钱,上海,是
K6,{5},,上海,是
"""
BODY = "{name|会员}您好，送您满50减10券{coupon_code}，{expires}前有效，点{coupon_link}，退订{preference_link}"


def fire(campaign: Campaign, *, now=NOON) -> Run:
    """Fire and freeze what is due."""
    runs.fire_due(now=now)
    freeze.freeze_open(now=now)
    return Run.objects.get(campaign=campaign)


def settle(*, now=NOON) -> None:
    """What the background does until nothing is left to do."""
    pump_all(now=now)
    receipts.merge_receipts(now=now)
    sweep.sweep(now=now)
    outbox.run_due(now=now)
    outbox.run_due(now=now)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_from_a_file_to_a_report(provider: FakeProvider, tmp_path, encoding, settings):
    channel = make_channel()
    path = tmp_path / "members.csv"
    path.write_bytes(FILE.format(*map(mobile, range(1, 7))).encode(encoding))
    import_now(kind="MEMBERS", path=path, name="members.csv", by=None, now=NOON - timedelta(days=1))
    terms = make_terms(planned_count=10)
    campaign = make_campaign(
        segment=make_segment({"op": "all", "rules": [{"field": "city", "op": "in", "value": ["上海"]}]}),
        version=make_version(BODY), terms=terms,
    )  # fmt: skip
    sheet = preflight(campaign=campaign, now=NOON)
    provider.script = [refuse_phone(mobile(5), Category.NUMBER)]

    run = fire(campaign)
    settle()
    sent = {one.phone_hash: one for one in Message.objects.filter(dispatch_id=run.dispatch_id)}
    notes = [
        ReceiptNote(f"v202611-{sent[hash_phone(mobile(n))].id}", code == "DELIVRD", code, NOON)
        for n, code in ((1, "DELIVRD"), (2, "MK:0001"))
    ]
    receipts.store_receipts(channel=channel, notes=notes, now=NOON)
    replies.receive_replies(channel=channel, notes=[ReplyNote("r1", mobile(1), "TD")], now=NOON + timedelta(hours=1))
    settle(now=NOON + timedelta(hours=1))

    assert (sheet.matched, sheet.will_receive, [(code, n) for code, _label, n in sheet.exclusions]) == (
        5, 4, [("NO_CONSENT", 1)],
    )  # fmt: skip
    run.refresh_from_db()
    campaign.refresh_from_db()
    assert (run.state, run.matched_count, run.planned_count) == (RunState.FINISHED, 5, 4)
    assert campaign.state == CampaignState.FINISHED
    told = report(run=run)
    assert told.progress.states == {"DELIVERED": 1, "UNDELIVERED": 1, "ACCEPTED": 1, "REFUSED": 1}
    assert [(code, n) for code, _label, n in told.exclusions] == [("NO_CONSENT", 1)]
    assert told.reasons == [("REFUSED", "NUMBER", 1), ("UNDELIVERED", "MK:0001", 1)]
    assert told.opt_outs == 1
    assert told.coupons == {"issued": 3, "opened": 0, "released": 1}
    assert told.redemptions == {"redeemed": 0, "reversed": 0, "saving_fen": 0, "ticket_fen": 0}
    billed = sheet.part_count - sheet.part_count // 4  # one of four was refused
    assert (told.progress.part_count, told.progress.cost) == (billed, 450 * billed)
    batch = CouponBatch.objects.get()
    assert batch.issued_count == Coupon.objects.issued().count() == 3
    coupon = Coupon.objects.get(pk=sent[hash_phone(mobile(1))].sender_ref)
    text = next(person.text for call in provider.calls for person in call if person.phone == mobile(1))
    assert text.startswith("【佳家超市】小王您好") and text.endswith("拒收请回复R")
    assert f"{settings.PUBLIC_URL}/c/{coupon.link_token}" in text
    assert coupon.code in text.replace("-", "")
    assert "12月20日前有效" in text
    assert any("】会员您好" in text for text in provider.texts)
    assert_counts_hold(Dispatch.objects.get(), 4)


def test_nobody_is_written_to_before_the_time_or_outside_the_window(provider: FakeProvider):
    make_channel()
    make_member(1)
    campaign = make_campaign(window_from_minute=13 * 60, window_until_minute=14 * 60)

    assert runs.fire_due(now=NOON - timedelta(seconds=1)) == []
    run = fire(campaign)
    assert pump_all(now=NOON + timedelta(minutes=59)) == 0
    assert pump_all(now=NOON + timedelta(minutes=60)) == 1

    assert run.state == RunState.SENDING and provider.phones == [mobile(1)]


def test_a_beat_that_is_an_hour_late_makes_one_run_and_sends_it(provider: FakeProvider):
    make_channel()
    make_member(1)
    campaign = make_campaign()
    late = NOON + timedelta(hours=1)

    run = fire(campaign, now=late)
    settle(now=late)

    assert (run.occurrence_at, run.fired_at, Run.objects.count()) == (NOON, late, 1)
    assert provider.phones == [mobile(1)]


def test_a_campaign_that_is_too_old_is_not_sent_and_says_so(provider: FakeProvider):
    make_channel()
    make_member(1)
    campaign = make_campaign(valid_hours=2)
    late = NOON + timedelta(hours=2)

    run = fire(campaign, now=late)
    settle(now=late)

    campaign.refresh_from_db()
    assert (run.state, run.finished_at, campaign.state) == (RunState.FAILED, late, CampaignState.STOPPED)
    assert run.reason and run.dispatch_id is None
    assert provider.calls == [] and not Message.objects.exists()


def test_a_segment_that_changed_after_the_approval_stops_the_run(provider: FakeProvider):
    make_channel()
    make_member(1)
    campaign = make_campaign()
    campaign.segment.rule = {"op": "all", "rules": [{"field": "purchase_count", "op": "at_least", "value": 0}] * 2}
    campaign.segment.save()

    run = fire(campaign)

    assert run.state == RunState.FAILED and run.reason
    assert runs.fire_due(now=NOON) == []
    assert not Message.objects.exists() and not Dispatch.objects.exists()


def test_a_batch_that_runs_out_fails_the_run_cancels_all_and_releases_its_coupons(provider, monkeypatch):
    make_channel()
    for number in range(5):
        make_member(number)
    campaign = make_campaign(version=make_version(BODY), terms=make_terms(planned_count=5))
    CouponBatch.objects.update(planned_count=4)  # another campaign took one meanwhile
    monkeypatch.setattr(freeze, "CHUNK_PEOPLE", 2)

    run = fire(campaign)
    settle()

    run.refresh_from_db()
    assert (run.state, Message.objects.count()) == (RunState.FAILED, 4)
    assert states(Dispatch.objects.get()) == {"CANCELLED": 4}
    assert set(Coupon.objects.values_list("state", "void_reason")) == {(CouponState.VOID, "NOT_SENT")}
    assert CouponBatch.objects.get().issued_count == 0
    assert provider.calls == []
    assert_counts_hold(Dispatch.objects.get(), 4)


def test_pause_resume_and_stop(provider: FakeProvider):
    make_channel(batch_size=1)
    for number in range(3):
        make_member(number)
    by, campaign = make_operator(), make_campaign(version=make_version(BODY), terms=make_terms())
    run = fire(campaign)
    pump.send_chunk(lane="bulk", clock=lambda: NOON)
    runs.pause(run_id=run.pk, by=by, now=NOON)
    assert pump_all() == 0
    with pytest.raises(runs.HasMoved):
        runs.pause(run_id=run.pk, by=by, now=NOON)
    runs.resume(run_id=run.pk, by=by, now=NOON)
    pump.send_chunk(lane="bulk", clock=lambda: NOON)

    runs.stop(run_id=run.pk, reason="价格写错了", by=by, now=NOON)
    settle()

    run.refresh_from_db()
    campaign.refresh_from_db()
    assert (run.state, run.finished_at, campaign.state) == (RunState.STOPPED, NOON, CampaignState.STOPPED)
    assert states(Dispatch.objects.get()) == {"ACCEPTED": 2, "CANCELLED": 1}
    assert Coupon.objects.filter(void_reason="NOT_SENT").count() == 1
    with pytest.raises(runs.HasMoved):
        runs.resume(run_id=run.pk, by=by, now=NOON)
    assert_counts_hold(Dispatch.objects.get(), 3)


def test_a_text_that_a_provider_refuses_pauses_the_run_and_a_person_lets_it_go_on(provider: FakeProvider):
    make_channel(batch_size=1)
    for number in range(2):
        make_member(number)
    campaign = make_campaign()
    run = fire(campaign)
    provider.script = [refuse(Category.SIGNTPL, "SIGN")]

    settle()
    run.refresh_from_db()
    assert (run.state, Dispatch.objects.get().state) == (RunState.PAUSED, "PAUSED")
    assert "SIGNTPL" in run.reason
    runs.resume(run_id=run.pk, by=make_operator(), now=NOON)
    settle(now=NOON + timedelta(seconds=5))

    run.refresh_from_db()
    assert run.state == RunState.FINISHED
    assert states(Dispatch.objects.get()) == {"ACCEPTED": 2}


def test_a_member_who_lost_their_phone_or_took_one_of_the_run_is_left_out_of_the_chunk(provider, monkeypatch):
    make_channel()
    first, second, third = (make_member(number) for number in range(3))
    campaign = make_campaign()
    runs.fire_due(now=NOON)
    run = Run.objects.get()
    freeze.fix_audience(run_id=run.pk, now=NOON)
    type(second).objects.filter(pk=second.pk).update(phone_hash=None, phone_cipher=None)
    type(third).objects.filter(pk=third.pk).update(phone_hash=first.phone_hash, phone_cipher=first.phone_cipher)

    freeze.freeze(run_id=run.pk, now=NOON)
    settle()

    run.refresh_from_db()
    exclusions = dict(run.audience.values_list("member_id", "exclusion"))
    assert exclusions == {first.pk: "", second.pk: "NO_PHONE", third.pk: "SAME_PHONE"}
    assert (run.state, run.planned_count, provider.phones) == (RunState.FINISHED, 1, [mobile(0)])
    assert campaign.runs.count() == 1


def test_who_opts_out_or_is_suppressed_after_the_freeze_is_left_out_and_their_coupon_released(provider):
    make_channel()
    for number in range(3):
        make_member(number)
    fire(make_campaign(version=make_version(BODY), terms=make_terms()))
    suppress(phone_hash=hash_phone(mobile(0)), kind="COMPLAINT", now=NOON)
    replies.receive_replies(channel=make_channel("two", weight=0), notes=[ReplyNote("r", mobile(1), "退订")], now=NOON)

    settle()

    assert states(Dispatch.objects.get()) == {"ACCEPTED": 1, "EXCLUDED": 2}
    assert Coupon.objects.issued().count() == CouponBatch.objects.get().issued_count == 1
    assert Run.objects.get().state == RunState.FINISHED


@pytest.mark.race
def test_two_beats_at_once_make_one_run(provider: FakeProvider, race):
    make_channel()
    make_member(1)
    make_campaign()

    fired, faults = race(lambda _number: runs.fire_due(now=NOON), 4)

    assert faults == []
    assert Run.objects.count() == 1
    assert sorted(fired) == [[], [], [], [Run.objects.get().pk]]


def test_a_freeze_that_was_killed_goes_on_with_the_next_person(provider: FakeProvider, monkeypatch):
    monkeypatch.setattr(freeze, "CHUNK_PEOPLE", 2)
    make_channel()
    for number in range(5):
        make_member(number)
    make_campaign(version=make_version(BODY), terms=make_terms())
    runs.fire_due(now=NOON)
    run = Run.objects.get()
    freeze.fix_audience(run_id=run.pk, now=NOON)
    plan = wave_plan(run=run)
    assert freeze.freeze_chunk(run_id=run.pk, plan=plan) == 2  # and then the worker died
    assert pump_all() == 0

    freeze.freeze_open(now=NOON)
    settle()

    assert sorted(provider.phones) == [mobile(number) for number in range(5)]
    assert Coupon.objects.count() == 5
    assert Run.objects.get().state == RunState.FINISHED


@pytest.mark.race
def test_four_freezers_at_once_write_everybody_once(provider: FakeProvider, race, monkeypatch):
    monkeypatch.setattr(freeze, "CHUNK_PEOPLE", 3)
    make_channel()
    for number in range(40):
        make_member(number)
    make_campaign(version=make_version(BODY), terms=make_terms())
    runs.fire_due(now=NOON)

    _done, faults = race(lambda _number: freeze.freeze_open(now=NOON), 4)
    settle()

    assert faults == []
    assert sorted(provider.phones) == [mobile(number) for number in range(40)]
    assert CouponBatch.objects.get().issued_count == Coupon.objects.count() == 40
    run = Run.objects.get()
    assert (run.state, run.planned_count) == (RunState.FINISHED, 40)
    assert_counts_hold(Dispatch.objects.get(), 40)


def test_two_campaigns_with_one_batch_give_nobody_more_than_the_limit(provider: FakeProvider):
    make_channel()
    make_member(1)
    terms = make_terms(per_member_limit=1)
    for text in ("甲", "乙"):
        make_campaign(version=make_version(f"{text}：{BODY}"), terms=terms)
    runs.fire_due(now=NOON)
    one, other = Run.objects.order_by("id")
    for run in (one, other):
        freeze.fix_audience(run_id=run.pk, now=NOON)  # both audiences are fixed before either has its coupons

    freeze.freeze_open(now=NOON)
    settle()

    assert Coupon.objects.count() == 1
    assert list(other.audience.values_list("exclusion", flat=True)) == ["COUPON_LIMIT"]
    assert len(provider.phones) == 1
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.state, other.state) == (RunState.FINISHED, RunState.FAILED)
    assert other.exclusions == {"COUPON_LIMIT": 1}
