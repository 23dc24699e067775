"""What other systems can do: members, orders, suppression, segments, messages, coupons, campaigns and reports."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache

from campaigns.services import freeze, runs
from coupons.models import Coupon, Redemption
from delivery.models import Dispatch, Message
from foundation import clock
from foundation.models import AuditEntry, Job, JobState
from foundation.services import jobs
from foundation.services.phones import hash_phone
from members.models import ConsentEvent, Member, PhoneGate, Suppression
from members.services.consent import opt_out
from tests.api.signed import Caller, make_caller
from tests.coupons.tills import make_coupon
from tests.delivery.ledgers import pump_all
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_segment,
    make_store,
    make_terms,
    make_version,
    mobile,
)

pytestmark = pytest.mark.usefixtures("committed")
MEMBER = {
    "card_no": "K1", "phone": mobile(1), "name": "王秀兰", "gender": "女", "birthday": "1988-03-08", "city": "杭州",
    "joined_at": "2026-01-02 10:00", "marketing_consent": True,
}  # fmt: skip
ORDER = {"order_no": "O1", "card_no": "K1", "paid_at": "2026-11-01 18:05", "amount": "68.80", "discount": "-10"}


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOON)


@pytest.fixture
def caller() -> Caller:
    return make_caller()


def test_members_are_written_like_a_file_and_a_repeat_changes_nothing(caller):
    make_store("S1")
    rows = [MEMBER | {"home_store": "S1"}, {"card_no": "K2", "phone": "123"}, {"card_no": "K3", "phone": mobile(3),
                                                                            "home_store": "S9"}]  # fmt: skip
    first, second = caller.post("members", {"rows": rows}), caller.post("members", {"rows": rows})

    assert first.status_code == 200
    assert [first.json()[name] for name in ("new", "changed", "same")] == [1, 0, 0]
    assert [(one["row"], one["code"]) for one in first.json()["refused"]] == [
        (1, "PHONE_WRONG_LENGTH"),
        (2, "STORE_UNKNOWN"),
    ]
    assert [second.json()[name] for name in ("new", "changed", "same")] == [0, 0, 1]
    event = ConsentEvent.objects.get()
    assert (event.consent, event.source, event.proof) == ("GRANTED", "API", f"{caller.key.key_id} 2026-11-20 04:00:00")


def test_one_member_is_read_masked_and_changed_field_by_field(caller):
    make_store("S1")
    caller.post("members", {"rows": [MEMBER]})

    changed = caller.call("PATCH", "members/K1", {"home_store": "S1", "name": "王兰"})
    assert (changed.status_code, changed.json()) == (200, caller.get("members/K1").json())
    facts = changed.json()
    assert (facts["name"], facts["home_store"], facts["city"], facts["birthday"]) == (
        "王兰",
        "S1",
        "杭州",
        "1988-03-08",
    )
    assert (facts["phone"], facts["consent"]) == (f"****{mobile(1)[-4:]}", "GRANTED")
    assert mobile(1) not in changed.content.decode()

    wrong = caller.call("PATCH", "members/K1", {"birthday": "1988-13-08"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "BAD_INPUT")
    assert caller.get("members/K9").status_code == 404


def test_a_call_never_revives_an_opt_out(caller):
    caller.post("members", {"rows": [MEMBER]})
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="r", now=NOON)
    caller.post("members", {"rows": [MEMBER | {"marketing_consent": True}]})

    assert PhoneGate.objects.get().consent == "OPTED_OUT"


def test_more_than_a_thousand_rows_or_none_change_nothing(caller):
    rows = [{"card_no": f"K{number}", "phone": mobile(number)} for number in range(1_001)]
    assert [caller.post("members", {"rows": some}).status_code for some in (rows, [])] == [400, 400]
    assert not Member.objects.exists()
    assert caller.post("members", {"rows": rows[1:]}).json()["new"] == 1_000


def test_a_member_is_erased_and_a_repeat_says_how_it_stands(caller):
    caller.post("members", {"rows": [MEMBER]})
    first = caller.call("DELETE", "members/K1")
    assert (first.status_code, first.json()) == (200, {"erased_at": "2026-11-20T04:00:00Z", "is_complete": False})
    assert [caller.get("members/K1").status_code, caller.call("PATCH", "members/K1", {}).status_code] == [404, 404]
    jobs.run_due(now=NOON)

    again = caller.call("DELETE", "members/K1")
    assert (again.status_code, again.json()) == (200, first.json() | {"is_complete": True})
    assert Job.objects.count() == 1 and caller.call("DELETE", "members/K2").status_code == 404
    assert caller.post("members", {"rows": [MEMBER]}).json()["refused"][0]["code"] == "ERASED"
    notice = caller.post("messages", order_of(template=notice_name(), phone=mobile(1)))
    assert (notice.status_code, notice.json()["code"]) == (409, "PERSON_ERASED")
    entry = AuditEntry.objects.get(action="member.erased")
    assert entry.actor == caller.key.operator and "K1" not in str(entry.detail)


def test_an_erase_that_failed_is_taken_up_by_a_repeat(caller, monkeypatch):
    caller.post("members", {"rows": [MEMBER]})
    monkeypatch.setattr("coupons.services.erasing.erase", lambda **_facts: 1 / 0)
    caller.call("DELETE", "members/K1")
    jobs.run_due(now=NOON)
    monkeypatch.undo()
    assert Job.objects.get().state == JobState.FAILED

    caller.call("DELETE", "members/K1")
    jobs.run_due(now=NOON)
    assert caller.call("DELETE", "members/K1").json()["is_complete"]


def test_orders_are_written_once(caller):
    caller.post("members", {"rows": [MEMBER]})
    first = caller.post("orders", {"rows": [ORDER, ORDER | {"order_no": "O2", "card_no": "K9"}]})
    assert first.json()["new"] == 1 and first.json()["refused"][0]["row"] == 1
    assert caller.post("orders", {"rows": [ORDER]}).json()["same"] == 1


def test_the_suppression_list_is_read_by_cursor_and_changed(caller):
    for number in range(3):
        caller.post("suppressions", {"phone": mobile(number), "note": "投诉"})
    again = caller.post("suppressions", {"phone": mobile(2)})
    assert again.status_code == 200 and Suppression.objects.count() == 3

    page = caller.get("suppressions?limit=2").json()
    assert [one["phone_tail"] for one in page["results"]] == [mobile(2)[-4:], mobile(1)[-4:]]
    rest = caller.get(page["next"].split("/api/v1/")[1]).json()
    assert [one["phone_tail"] for one in rest["results"]] == [mobile(0)[-4:]] and rest["next"] is None

    lifted = caller.call("DELETE", f"suppressions/{page['results'][0]['id']}")
    assert lifted.status_code == 204 and Suppression.objects.count() == 2
    assert caller.call("DELETE", "suppressions/999999999").status_code == 404
    assert caller.post("suppressions", {"phone": "12345"}).json()["fields"]["phone"]


def test_a_segment_is_counted_now(caller):
    segment = make_segment()
    make_member(1)
    assert caller.get(f"segments/{segment.pk}/count").json() == {"count": 1}
    assert [one["name"] for one in caller.get("segments").json()["results"]] == [segment.name]
    assert caller.get("segments/999/count").status_code == 404


def order_of(**facts) -> dict:
    return {"idempotency_key": "order-0001", "phone": mobile(5), "template": "", "values": {"answer": "A12"}} | facts


def notice_name(body: str = "您的订单 {answer} 已备好") -> str:
    return make_version(body, tier="NOTICE").template.name


def test_a_notice_is_sent_once_whatever_is_repeated(caller, provider):
    make_channel()
    order = order_of(template=notice_name())
    first, second = caller.post("messages", order), caller.post("messages", order)
    pump_all(lane="urgent")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert [person.phone for call in provider.calls for person in call] == [mobile(5)]
    told = caller.get(f"messages/{first.json()['id']}").json()
    assert (told["state"], told["parts"]) == ("ACCEPTED", 1)


@pytest.mark.parametrize("change", [{"phone": mobile(6)}, {"values": {"answer": "B"}}])
def test_a_key_that_is_used_for_something_else_is_refused(caller, change):
    order = order_of(template=notice_name())
    caller.post("messages", order)
    answer = caller.post("messages", order | change)

    assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [({"phone": "1380013800"}, 400), ({"template": "没有"}, 400), ({"idempotency_key": "短"}, 400),
     ({"values": {}}, 409), ({"values": {"answer": 1.5}}, 201), ({"values": "x"}, 400), ({"phone": None}, 400)],
)  # fmt: skip
def test_a_wrong_order_writes_nothing(caller, change, status):
    answer = caller.post("messages", order_of(template=notice_name()) | change)

    assert answer.status_code == status
    assert Dispatch.objects.count() == Message.objects.count() == (1 if status == 201 else 0)


def test_only_notices_are_sent_by_systems(caller):
    name = make_version("全场八折").template.name
    assert caller.post("messages", order_of(template=name)).status_code == 400


def test_a_message_of_another_key_is_none(caller):
    sent = caller.post("messages", order_of(template=notice_name())).json()["id"]

    assert make_caller().get(f"messages/{sent}").status_code == 404
    assert [caller.get(f"messages/{text}").status_code for text in ("x", "202611-999999999")] == [404, 404]
    assert caller.post("messages", order_of(template=notice_name())).status_code == 409  # another text under its key


def question(coupon: Coupon, store, **facts) -> dict:
    return {"code": coupon.code, "store": store.code, "ticket": "68.80", "request_id": str(uuid4())} | facts


def test_a_coupon_is_looked_at_redeemed_once_and_taken_back():
    store, other = make_store("S1"), make_store("S2")
    caller, coupon = make_caller(stores=(store,)), make_coupon(make_terms())
    ask = question(coupon, store)

    assert caller.post("coupons/preview", ask).json()["verdict"] == "OPEN"
    first, again = caller.post("coupons/redeem", ask), caller.post("coupons/redeem", ask)
    assert (first.json()["verdict"], first.json()["saving_fen"]) == ("REDEEMED", 1_000)
    assert first.content == again.content == caller.get(f"coupons/results/{ask['request_id']}").content
    assert Redemption.objects.get().input_channel == "API"
    assert caller.post("coupons/redeem", ask | {"ticket": "99"}).json()["code"] == "REQUEST_REUSED"
    elsewhere = caller.post("coupons/redeem", question(coupon, other))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "NO_STORE")

    number = first.json()["redemption_no"]
    back = [caller.post(f"redemptions/{number}/reverse", {"reason": "MISSCAN"}) for _ in range(2)]
    assert [one.status_code for one in back] == [200, 200] and back[0].content == back[1].content
    assert caller.post("coupons/preview", ask).json()["verdict"] == "OPEN"


def test_what_another_key_redeemed_is_not_taken_back():
    store = make_store("S1")
    mine, theirs, coupon = make_caller(stores=(store,)), make_caller(stores=(store,)), make_coupon(make_terms())
    number = theirs.post("coupons/redeem", question(coupon, store)).json()["redemption_no"]

    assert mine.post(f"redemptions/{number}/reverse", {"reason": "MISSCAN"}).status_code == 409
    assert mine.post("redemptions/12345678/reverse", {"reason": "MISSCAN"}).status_code == 404
    assert mine.get(f"coupons/results/{uuid4()}").json()["code"] == "UNKNOWN_REQUEST"


def test_ten_calls_at_once_redeem_a_coupon_once(race):
    store = make_store("S1")
    callers, coupon = [make_caller(stores=(store,)) for _ in range(10)], make_coupon(make_terms())
    answers, faults = race(lambda number: callers[number].post("coupons/redeem", question(coupon, store)).json(), 10)

    assert not faults
    assert sorted(one["verdict"] for one in answers) == ["REDEEMED"] + ["REFUSED"] * 9
    assert Redemption.objects.count() == 1


def test_ten_orders_at_once_under_one_key_are_one_message(race, caller):
    order = order_of(template=notice_name())
    answers, faults = race(lambda _number: caller.post("messages", order).status_code, 10)

    assert not faults
    assert sorted(answers) == [200] * 9 + [201]
    assert Message.objects.count() == 1


def test_two_calls_at_once_with_one_nonce_are_one(race, caller):
    headers = caller.headers("GET", "/api/v1/segments", b"")
    answers, faults = race(lambda _number: caller.call("GET", "segments", headers=headers).status_code, 4)

    assert not faults
    assert sorted(answers) == [200, 401, 401, 401]


def test_campaigns_and_reports_are_read(caller, provider):
    make_channel()
    make_member(1)
    campaign = make_campaign(terms=make_terms(), version=make_version("券 {coupon_code}"))
    make_campaign(scheduled_at=NOON + timedelta(days=1))
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)
    pump_all()
    run = campaign.runs.get()

    assert len(caller.get("campaigns").json()["results"]) == 2
    shown = caller.get(f"campaigns/{campaign.pk}").json()
    assert (shown["name"], [one["id"] for one in shown["runs"]]) == (campaign.name, [run.pk])
    told = caller.get(f"runs/{run.pk}/report").json()
    assert (told["states"], told["coupons"]["issued"]) == ({"ACCEPTED": 1}, 1)
    assert [
        caller.get(path).status_code for path in ("campaigns/99999", "runs/99999/report", f"runs/{'9' * 18}/report")
    ] == [404] * 3


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_bad_input(caller, body):
    headers = caller.headers("POST", "/api/v1/suppressions", body)
    answer = caller.client.generic("POST", "/api/v1/suppressions", body, "application/json", headers=headers)
    assert answer.status_code == 400 and answer.json()["detail"]


def test_a_body_that_is_too_large_and_another_type_are_refused(caller):
    body = b'"' + b"x" * 6_000_000 + b'"'
    headers = caller.headers("POST", "/api/v1/suppressions", body)
    answer = caller.client.generic("POST", "/api/v1/suppressions", body, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
    headers = caller.headers("POST", "/api/v1/suppressions", b"a=1")
    answer = caller.client.generic("POST", "/api/v1/suppressions", b"a=1", "text/plain", headers=headers)
    assert answer.status_code == 415
