"""Erasing a person: what goes, what stays, that nothing leaves afterwards, and that nobody comes back unasked."""

import json
import re
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from campaigns.services import freeze, runs
from coupons.models import Coupon, Redemption
from coupons.services import proofs as coupon_proofs
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from delivery.models import Message, Reply, UnreadNote, UnsureMessage
from delivery.services import erasing, proofs, pump
from delivery.services.single import PersonErased, send_one
from foundation.crypto import key_ring
from foundation.db import fetch_all
from foundation.models import AuditEntry, Job, JobState, WebhookCall
from foundation.services import jobs, webhooks
from foundation.services.phones import hash_phone
from foundation.services.retention_file import load
from foundation.services.sealing import seal_all
from members.models import (
    CategoryPurchase,
    ConsentEvent,
    Erasure,
    ImportChange,
    ImportFile,
    Member,
    Order,
    OrderLine,
    PhoneGate,
    Suppression,
)
from members.services import erase as service
from members.services.consent import grant, opt_out
from members.services.erase import erase_person, is_erased
from members.services.imports.direct import write_rows
from tests.coupons.tills import DEVICE, ask, make_clerk, make_coupon
from tests.delivery.ledgers import assert_counts_hold, hand_over, message, pump_all, states
from tests.factories import (
    NOON,
    add_people,
    make_campaign,
    make_channel,
    make_dispatch,
    make_member,
    make_operator,
    make_store,
    make_terms,
    make_version,
    mobile,
)
from tests.members.imports import consent_of, tried, write, written

pytestmark = [pytest.mark.usefixtures("committed", "import_folder")]
PHONE, OTHER = mobile(2176), mobile(77)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.02)


def erased(**facts: Any) -> Job:
    """The person of PHONE, erased to the end."""
    told = {"phone_hash": hash_phone(PHONE), "member_ids": (), "reason": "WISH", "source": "OPERATOR"} | facts
    job = erase_person(by=make_operator(), now=NOON, **told)
    jobs.run_due(now=NOON)
    job.refresh_from_db()
    return job


def everything() -> str:
    """All rows of all tables as one text, but for columns of numbers: an id may be what a phone ends in."""
    tables = fetch_all(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    told = (
        "(SELECT jsonb_object_agg(key, value)::text FROM jsonb_each(to_jsonb(t)) WHERE jsonb_typeof(value) <> 'number')"
    )
    rows = (fetch_all(f"""SELECT COALESCE({told}, '') FROM "{name}" t""") for (name,) in tables)
    return "\n".join(row[0] for found in rows for row in found)


def is_in(words: str, text: str) -> bool:
    """Whether it stands there by itself, and not by chance in a hash."""
    return re.search(rf"(?<![0-9A-Za-z-]){re.escape(words)}(?![0-9A-Za-z-])", text) is not None


def a_life() -> tuple[Member, Coupon, Coupon]:
    """A member with a row in everything that knows members, and one used and one open coupon."""
    store = make_store("S9", name="武林店")
    member = make_member(
        1, phone=PHONE, name="李小红", birthday=date(1988, 3, 1), city="衢州市", level="金钻会员", home_store=store,
        gender="F", income_band="很高",
    )  # fmt: skip
    grant(phone_hash=hash_phone(PHONE), source="PREFERENCE_PAGE", proof="page", now=NOON - timedelta(days=9))
    order = Order.objects.create(order_no="O-771", member=member, paid_at=NOON, amount_fen=6_880)
    OrderLine.objects.create(order=order, sku="K1", product="特仑苏牛奶", quantity_milli=1_000, amount_fen=6_880)
    CategoryPurchase.objects.create(member=member, category="乳品", last_bought_at=NOON, order_count=1, spend_fen=1)
    Suppression.objects.create(
        phone_hash=hash_phone(PHONE), kind="CHANNEL_BLACKLIST", phone_tail="2176", note="李小红来过电话", since=NOON,
        until=NOON,
    )  # fmt: skip
    version = make_version("{name|会员}您好，{coupon_link}")
    params = {"name": "李小红", "coupon_link": "https://x.cn/c/7KQ2M9XH4TB"}
    add_people(make_dispatch(), [PHONE], version=version, consent=None, params=params, member_id=member.pk)
    pump_all()
    for vendor_id, text, state in (("1", "我是李小红，在哪用", "INBOX"), ("2", "TD", "OPT_OUT")):
        Reply.objects.create(
            channel_id=1, vendor_id=vendor_id, phone_hash=hash_phone(PHONE), phone_tail="2176", text=text, state=state,
            received_at=NOON, phone_cipher=key_ring().encrypt(PHONE),
        )  # fmt: skip
    cipher = key_ring().encrypt(f"{{'mobile': '{PHONE}', 'text': '?'}}")
    UnreadNote.objects.create(channel_id=1, kind="REPLY", fault="?", row_cipher=cipher, received_at=NOON)
    terms = make_terms(per_member_limit=2, title="满50减10")
    used, unused = (make_coupon(terms, member_id=member.pk, ordinal=n, phone_tail="2176") for n in (1, 2))
    webhooks.make_endpoint(
        name="CRM", url="https://crm.example.cn", topics=["coupon.redeemed", "member.consent_changed"],
        by=make_operator(), now=NOON,
    )  # fmt: skip
    redeem(question=ask(make_clerk(store), used.code, ticket_fen=6_880), request_id=uuid4(), now=NOON)
    return member, used, unused


PERSONAL = (
    "李小红", "李**", PHONE, "2176", "1988-03-01", "M1", "衢州市", "金钻会员", "很高", "特仑苏", "7KQ2M9XH4TB", "O-771",
)  # fmt: skip


def test_nothing_that_names_the_person_is_left_in_any_table(provider):
    make_channel()
    member, used, unused = a_life()
    opt_out(phone_hash=hash_phone(PHONE), source="REPLY", proof="reply:2", now=NOON)
    webhooks.write_calls(now=NOON)
    seal_all(now=NOON)
    before = everything()
    assert all(is_in(words, before) for words in PERSONAL if words not in ("李**", PHONE))
    plain = [bytes(one.phone_cipher) for one in Message.objects.all()]

    job = erased()

    after = everything()
    assert [words for words in PERSONAL if is_in(words, after)] == []
    assert not any(cipher.hex() in after for cipher in plain)
    assert unused.link_token not in after and used.link_token not in after
    assert job.state == JobState.DONE and not UnreadNote.objects.exists()
    assert list(Reply.objects.order_by("id").values_list("text", "state")) == [("", "DONE"), ("TD", "OPT_OUT")]
    member.refresh_from_db()
    assert (member.card_no, member.erased_at) == (f"erased-{member.pk}", NOON)
    assert not Order.objects.exists()


def test_what_the_retention_file_calls_personal_is_what_is_blanked():
    kinds = load()[0]["members.Member"].kinds

    assert {name for name, kind in kinds.items() if kind in ("person", "derived")} == set(service.BLANK)


def test_what_was_counted_paid_or_proven_stays_and_is_proven_still(provider, capsys):
    make_channel()
    member, used, unused = a_life()
    grants = ConsentEvent.objects.count()
    seal_all(now=NOON)

    erased()
    seal_all(now=NOON)
    call_command("verify_ledgers")

    sold = Redemption.objects.get()
    assert (sold.member_id, sold.discount_fen, sold.coupon_id) == (member.pk, 1_000, used.pk)
    used.refresh_from_db()
    unused.refresh_from_db()
    assert (used.state, unused.state, unused.void_reason) == ("REDEEMED", "VOID", "ERASED")
    sent = Message.objects.get()
    assert (sent.state, sent.params, bytes(sent.phone_cipher)) == ("ACCEPTED", {}, b"")
    assert sent.phone_hash == hash_phone(PHONE) and sent.template_version_id
    assert ConsentEvent.objects.count() == grants + 1
    last = ConsentEvent.objects.order_by("-id")[0]
    assert (last.consent, last.reason) == ("OPTED_OUT", "ERASED")
    entry = AuditEntry.objects.get(action="member.erased")
    assert entry.detail == {"member_ids": [member.pk], "reason": "WISH", "case": ""}
    assert not any(one.wrong_count for one in [*proofs.prove(now=NOON), *coupon_proofs.prove(now=NOON)])
    assert (
        "coupon.redeemed" in set(WebhookCall.objects.values_list("topic", flat=True))
        or not WebhookCall.objects.exists()
    )


def test_other_people_keep_all_of_theirs(provider):
    make_channel()
    a_life()
    other = make_member(2, phone=OTHER, name="王五")
    add_people(make_dispatch(), [OTHER], member_id=other.pk, params={"name": "王五"}, version=make_version("{name}好"))
    coupon = make_coupon(make_terms(), member_id=other.pk)

    erased()

    other.refresh_from_db()
    coupon.refresh_from_db()
    assert (other.name, other.card_no, other.erased_at, coupon.state) == ("王五", "M2", None, "ISSUED")
    assert Message.objects.get(member_id=other.pk).params == {"name": "王五"}
    assert pump_all() == 1 and provider.phones[-1:] == [OTHER] if hasattr(provider, "phones") else True


def test_a_card_is_one_person_with_all_cards_of_its_phone():
    make_member(1, phone=PHONE)
    make_member(2, phone=PHONE)

    erased()

    assert Member.objects.present().count() == 0 and Erasure.objects.count() == 2


def test_a_member_without_a_phone_is_erased_too():
    member = make_member(3, phone=None, name="赵六")

    assert erased(phone_hash=None, member_ids=[member.pk]).state == JobState.DONE
    assert "赵六" not in everything() and Erasure.objects.get().phone_hash is None


def test_a_repeat_changes_nothing_and_a_job_that_died_is_taken_up(provider, monkeypatch):
    make_channel()
    a_life()

    def die(**_facts: Any) -> int:
        raise KeyError("gone")

    monkeypatch.setattr("delivery.services.erasing.erase", die)
    assert erased().state == JobState.FAILED
    monkeypatch.undo()
    assert Message.objects.get().params
    again = erased()

    assert again.state == JobState.DONE and Job.objects.filter(kind="members.erase").count() == 1
    before = everything()
    assert erased().state == JobState.DONE
    assert Member.objects.get().erased_at == NOON and len(everything()) - len(before) < 2_000


def test_waiting_messages_are_left_out_and_counted(provider):
    make_channel()
    dispatch = make_dispatch()
    [mine, theirs] = add_people(dispatch, [PHONE, OTHER])

    erased()

    assert (message(mine).state, message(mine).reason, bytes(message(mine).phone_cipher)) == ("EXCLUDED", "ERASED", b"")
    assert message(theirs).state == "PLANNED"
    assert_counts_hold(dispatch, 2)
    pump_all()
    assert states(dispatch) == {"EXCLUDED": 1, "ACCEPTED": 1}


def test_messages_to_a_number_that_the_member_had_before_go_too(provider):
    member = make_member(1, phone=PHONE)
    [number] = add_people(make_dispatch(), [mobile(500)], member_id=member.pk)

    erased()

    assert bytes(message(number).phone_cipher) == b"" and message(number).state == "EXCLUDED"


def test_an_unsure_message_is_asked_about_no_more(provider):
    from delivery.services import unsure

    make_channel()
    dispatch = make_dispatch()
    [number] = add_people(dispatch, [PHONE])
    Message.objects.filter(id=number).update(state="UNSURE", submitted_at=NOON)
    UnsureMessage.objects.create(
        message_id=number, month=dispatch.month, dispatch_id=dispatch.pk, channel_id=1, since=NOON, next_check_at=NOON
    )  # fmt: skip

    erased()

    assert bytes(message(number).phone_cipher) == b""
    assert UnsureMessage.objects.get().next_check_at is None
    assert unsure.ask_due(clock=lambda: NOON + timedelta(hours=1)) == 0


def test_undoing_a_redemption_gives_no_coupon_back(provider):
    make_channel()
    _member, used, _unused = a_life()
    sold = Redemption.objects.get()
    erased()
    reverse(redemption_no=sold.redemption_no, device_id=DEVICE, reason="MISSCAN", by=sold.clerk, now=NOON)

    used.refresh_from_db()
    assert (used.state, used.uses_count) == ("VOID", 0)


# Coming back ---------------------------------------------------------------------------------------

ROW = {"card_no": "M1", "phone": PHONE, "name": "李小红", "marketing_consent": "是"}


def bring(**facts: str) -> Any:
    return write_rows(
        kind="MEMBERS", rows=[ROW | facts], stores=None, proof="ak_1", now=NOON + timedelta(days=1)
    )  # fmt: skip


def test_the_same_card_does_not_come_back_by_the_next_file(tmp_path):
    make_member(1, phone=PHONE, name="李小红")
    erased()
    imported = written(
        write(tmp_path, [["M1", PHONE, "李小红", "", "是", "上海"], ["M5", mobile(5), "王", "", "是", ""]])
    )

    assert (imported.new_count, imported.refused_count, imported.reasons) == (1, 1, {"ERASED": 1})
    assert consent_of(PHONE) == "OPTED_OUT" and "李小红" not in everything()
    sheet = Path(imported.error_path).read_text(encoding="utf-8-sig")
    assert "M1,,,,,,本人已要求删除个人信息" in sheet and PHONE not in sheet
    assert bring().refused == {0: "ERASED"}
    assert bring(phone=mobile(901)).refused == {0: "ERASED"}  # nor with another number
    assert not Member.objects.filter(name="李小红").exists()


def test_orders_of_an_erased_card_are_refused_and_not_kept(tmp_path):
    make_member(1, phone=PHONE)
    erased()
    header = ["订单号", "会员卡号", "支付时间", "实付金额"]
    path = write(tmp_path, [["O-771", "M1", "2026-11-01 18:05", "68.80"]], header=header, name="orders.csv")
    imported = tried(path, kind="ORDERS")

    assert imported.reasons == {"ERASED": 1} and not Order.objects.exists()
    sheet = Path(imported.error_path).read_text(encoding="utf-8-sig")
    assert "O-771,,,,本人已要求" in sheet and "M1" not in sheet + json.dumps(imported.samples)


def test_a_new_card_of_the_phone_comes_without_consent_and_is_never_written_to(provider):
    make_channel()
    make_member(1, phone=PHONE)
    erased()
    bring(card_no="M8")

    assert Member.objects.present().get().card_no == "M8" and consent_of(PHONE) == "OPTED_OUT"
    for tier, lane in (("MARKETING", "bulk"), ("NOTICE", "urgent")):
        dispatch = make_dispatch(tier=tier)
        add_people(dispatch, [PHONE], consent=None)
        pump_all(lane=lane)
        assert states(dispatch) == {"EXCLUDED": 1}
    assert provider.calls == []
    with pytest.raises(PersonErased):
        send_one(source="api:1:x", phone=PHONE, version=make_version(tier="NOTICE"), params={}, by=make_operator(),
                 now=NOON)  # fmt: skip


def test_a_fresh_consent_of_the_person_opens_all_doors_again(provider):
    make_channel()
    make_member(1, phone=PHONE)
    erased()
    assert is_erased(phone_hash=hash_phone(PHONE))
    grant(phone_hash=hash_phone(PHONE), source="REPLY", proof="reply:9", now=NOON)

    assert not is_erased(phone_hash=hash_phone(PHONE)) and bring().new == 1
    dispatch = make_dispatch()
    add_people(dispatch, [PHONE], consent=None)
    pump_all()
    assert states(dispatch) == {"ACCEPTED": 1}
    assert erased().state == JobState.DONE and Member.objects.present().count() == 0


def test_what_imports_have_kept_of_the_person_goes(tmp_path):
    rows = [["M1", PHONE, "李小红", "", "是", "衢州市"], ["M2", OTHER, "王", "", "是", "上海"],
            ["M1", PHONE, "李小红\n乙", "无", "是", "衢州市"], ["M9", "12", "孙", "", "", ""]]  # fmt: skip
    imported = written(write(tmp_path, rows[:2]))
    refused = tried(write(tmp_path, rows, name="second.csv"))
    path = Path(refused.error_path)
    length = path.stat().st_size
    assert PHONE in path.read_text("utf-8-sig") and ImportChange.objects.filter(import_file=imported).count() == 2
    assert "M1" in json.dumps(refused.samples) or "2176" in json.dumps(refused.samples)

    erased()

    assert path.stat().st_size == length
    text = path.read_text("utf-8-sig")
    assert PHONE not in text and "李小红" not in text and "衢州市" not in text and "M9,12,孙" in text
    assert ImportChange.objects.filter(import_file=imported).count() == 1
    kept = json.dumps(list(ImportFile.objects.values_list("samples", flat=True)), ensure_ascii=False)
    assert "2176" not in kept and "M1" not in kept and "孙**" in kept


# Races ---------------------------------------------------------------------------------------------


def in_thread(call: Any) -> threading.Thread:
    def run() -> None:
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def sending(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[threading.Event, threading.Event, list[str], threading.Thread]:
    """A worker that is handing the person's message over, held in the provider's call."""
    make_channel()
    add_people(make_dispatch(), [PHONE])
    is_inside, may_go, log = threading.Event(), threading.Event(), []
    submit = provider.submit

    def slow(people: Any) -> Any:
        is_inside.set()
        may_go.wait(timeout=20)
        log.append("left")
        return submit(people)

    monkeypatch.setattr(provider, "submit", slow)
    thread = in_thread(lambda: pump.send_chunk(lane="bulk", clock=lambda: NOON))
    assert is_inside.wait(timeout=20)
    return is_inside, may_go, log, thread


@pytest.mark.race
def test_no_message_leaves_after_the_erase_is_done(provider, monkeypatch):
    _inside, may_go, log, sender = sending(provider, monkeypatch)
    erase_person(phone_hash=hash_phone(PHONE), member_ids=(), reason="WISH", source="OPERATOR", by=make_operator(),
                 now=NOON)  # fmt: skip
    eraser = in_thread(lambda: (jobs.run_due(now=NOON), log.append("done")))
    eraser.join(timeout=0.3)
    assert Job.objects.get(kind="members.erase").state == JobState.RUNNING
    may_go.set()
    sender.join(timeout=20)
    eraser.join(timeout=20)

    assert log == ["left", "done"]
    assert Job.objects.get(kind="members.erase").state == JobState.DONE
    sent = Message.objects.get()
    assert (sent.state, bytes(sent.phone_cipher)) == ("ACCEPTED", b"")


@pytest.mark.race
def test_negative_control_who_does_not_wait_is_done_too_early(provider, monkeypatch):
    erase = erasing.erase
    monkeypatch.setattr("delivery.services.erasing.erase", lambda **facts: erase(**facts) and 0)
    _inside, may_go, log, sender = sending(provider, monkeypatch)
    erased()
    log.append("done")
    may_go.set()
    sender.join(timeout=20)

    assert log == ["done", "left"]
    assert bytes(Message.objects.get().phone_cipher) != b""


@pytest.mark.race
def test_whoever_is_before_the_fence_when_the_erase_commits_does_not_pass(provider):
    from tests.delivery.ledgers import choose

    make_channel()
    add_people(make_dispatch(), [PHONE])
    chunk = choose()
    eraser = erase_person(phone_hash=hash_phone(PHONE), member_ids=(), reason="WISH", source="OPERATOR",
                          by=make_operator(), now=NOON)  # fmt: skip
    assert hand_over(chunk) == []
    jobs.run_due(now=NOON)

    eraser.refresh_from_db()
    assert eraser.state == JobState.DONE and provider.calls == []


def freezing(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, threading.Event, threading.Thread]:
    """A freeze that has written the person's message and has not committed yet."""
    make_channel()
    make_member(1, phone=PHONE, name="李小红")
    campaign = make_campaign(version=make_version("{name|会员}您好"))
    runs.fire_due(now=NOON)
    run = campaign.runs.get()
    is_written, may_commit = threading.Event(), threading.Event()
    real = freeze._write

    def slow(*args: Any) -> None:
        real(*args)
        is_written.set()
        may_commit.wait(timeout=20)

    monkeypatch.setattr(freeze, "_write", slow)
    thread = in_thread(lambda: freeze.freeze(run_id=run.pk, now=NOON))
    assert is_written.wait(timeout=20)
    return run, may_commit, thread


@pytest.mark.race
def test_an_erase_waits_for_a_freeze_that_has_copied_the_person(monkeypatch, provider):
    _run, may_commit, freezer = freezing(monkeypatch)
    eraser = in_thread(lambda: erased())
    eraser.join(timeout=0.3)
    assert eraser.is_alive() and not is_erased(phone_hash=hash_phone(PHONE))
    may_commit.set()
    freezer.join(timeout=20)
    eraser.join(timeout=20)

    left = Message.objects.get()
    assert (left.state, left.reason, left.params) == ("EXCLUDED", "ERASED", {})
    assert pump_all() == 0 and provider.calls == []


@pytest.mark.race
def test_negative_control_without_the_lock_the_freeze_leaves_a_name_behind(monkeypatch, provider):
    monkeypatch.setattr(freeze, "hold_off_erasing", lambda: None)
    _run, may_commit, freezer = freezing(monkeypatch)
    assert erased().state == JobState.DONE
    may_commit.set()
    freezer.join(timeout=20)

    assert Message.objects.get().params == {"name": "李小红"}
    pump_all()
    assert provider.calls == []  # the gate holds all the same


@pytest.mark.race
def test_two_who_erase_one_person_at_once_do_it_once(race):
    member = make_member(1, phone=PHONE)
    by = make_operator()
    done, faults = race(lambda _n: erase_person(
        phone_hash=hash_phone(PHONE), member_ids=[member.pk], reason="WISH", source="OPERATOR", by=by, now=NOON
    ), 4)  # fmt: skip

    assert not faults and len({one.pk for one in done}) == 1
    jobs.run_due(now=NOON)
    assert Job.objects.get(kind="members.erase").state == JobState.DONE
    assert PhoneGate.objects.get(phone_hash=hash_phone(PHONE)).consent == "OPTED_OUT"
