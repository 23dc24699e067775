import json
import threading

import pytest

from delivery.adapters.simulator import adapter
from delivery.adapters.simulator.adapter import SimulatorAdapter
from delivery.port import (
    Absent,
    Accepted,
    Ambiguous,
    Malformed,
    NotSubmitted,
    Person,
    Question,
    ReceiptNote,
    Refused,
    ReplyNote,
    Unread,
)
from delivery.rules.categories import Category
from tests.delivery.vendors import Answer, drips, hangs_up, resets, says, says_half, talks_nonsense, vendor, waits
from tests.factories import NOON

PEOPLE = [Person("202611-1", "13900000001", "x"), Person("202611-2", "13900000002", "y")]
QUESTIONS = [Question(one.reference, one.phone, NOON) for one in PEOPLE]
TAKEN = {"reference": "202611-1", "status": "accepted", "vendor_id": "a"}
BOTH = [TAKEN, {"reference": "202611-2", "status": "accepted", "vendor_id": "b"}]


def speaker(url: str = "http://127.0.0.1:1", *, seconds: float = 5) -> SimulatorAdapter:
    return SimulatorAdapter(base_url=url, channel="one", callback="http://back", timeout_seconds=seconds)


def body(**content) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "sent",
    [
        b'{"receipts": [1]}', b'{"receipts": [{}]}',
        b'{"receipts": [{"vendor_id": "", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "a\\u0000", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "\\ud800", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "a", "code": "DELIVRD", "at": "2026-11-20T04:00:00"}]}',
        b'{"receipts": [{"vendor_id": "a", "code": "DELIVRD", "at": "noon"}]}',
        b'{"receipts": [{"vendor_id": 7, "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "a", "reference": 7, "code": "D", "at": "2026-11-20T04:00:00+00:00"}]}',
    ],
)  # fmt: skip
def test_a_row_that_the_carrier_never_sends_is_handed_on_as_it_came_and_costs_no_other(sent):
    good = {"vendor_id": "a", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}
    rows = json.loads(sent)["receipts"]

    unread, read = speaker().receipts(json.dumps({"receipts": [*rows, good]}).encode())

    assert isinstance(unread, Unread) and unread.fault and unread.row.encode()
    assert isinstance(read, ReceiptNote) and read.vendor_id == "a"


@pytest.mark.parametrize("sent", [b"", b"\xff", b"[]", b"null", b'{"receipts": 1}', b"[" * 100_000])
def test_a_body_that_is_no_list_of_rows_is_refused(sent):
    with pytest.raises(Malformed):
        speaker().receipts(sent)


def test_the_simulators_adapter_reads_its_carrier():
    receipt = {"vendor_id": "a", "code": "MK:0001", "at": "2026-11-20T12:00:00+08:00"}

    read = speaker().receipts(body(receipts=[receipt, receipt | {"reference": "202611-1", "code": "DELIVRD"}]))

    assert read == [ReceiptNote("a", False, "MK:0001", NOON), ReceiptNote("a", True, "DELIVRD", NOON, "202611-1")]
    assert speaker().replies(body(replies=[{"vendor_id": "b", "phone": "139", "text": "T"}])) == [
        ReplyNote("b", "139", "T")
    ]


def test_a_carrier_that_does_not_listen_was_written_nothing():
    with pytest.raises(NotSubmitted):
        speaker().submit(PEOPLE)
    with pytest.raises(NotSubmitted):
        speaker().balance()

    assert {type(one) for one in speaker().query(QUESTIONS)} == {Ambiguous}


def test_people_are_handed_over_once_with_their_own_references():
    requests: list[bytes] = []
    with vendor(says("200 OK", body(results=BOTH[::-1])), requests=requests) as url:
        results = speaker(url).submit(PEOPLE)

    assert results == [Accepted("a"), Accepted("b")]
    assert [json.loads(one) for one in requests] == [
        {
            "callback": "http://back",
            "people": [{"reference": one.reference, "phone": one.phone, "text": one.text} for one in PEOPLE],
        }
    ]


@pytest.mark.parametrize(
    "answer",
    [
        resets, hangs_up, talks_nonsense, says_half(body(results=BOTH)), says("200 OK", b'{"results": ['),
        says("200 OK", b"null"), says("200 OK", b"[]"), says("200 OK", body(results=1)), says("200 OK", body()),
        says("200 OK", b"[" * 100_000), says("500 Internal Server Error", body(results=BOTH)),
        says("502 Bad Gateway", b"<html>"), says("503 Service Unavailable", b""), says("404 Not Found", b""),
        says("302 Found", b""), says("204 No Content", b""),
    ],
)  # fmt: skip
def test_whatever_breaks_after_the_request_was_written_is_unsure(answer: Answer):
    with vendor(answer) as url:
        results = speaker(url).submit(PEOPLE)
        found = speaker(url).query(QUESTIONS)
        with pytest.raises(NotSubmitted):
            speaker(url).balance()

    assert [type(one) for one in results] == [Ambiguous, Ambiguous]
    assert [type(one) for one in found] == [Ambiguous, Ambiguous]


@pytest.mark.parametrize("silence", [waits, drips])
def test_an_answer_that_does_not_come_in_time_is_unsure(silence):
    stop = threading.Event()
    with vendor(silence(stop)) as url:
        results = speaker(url, seconds=0.2).submit(PEOPLE)
        stop.set()

    assert [type(one) for one in results] == [Ambiguous, Ambiguous]


def test_an_answer_without_end_is_not_read_to_the_end(monkeypatch):
    monkeypatch.setattr(adapter, "LARGEST_ANSWER", 1_000)
    with vendor(says("200 OK", body(results=BOTH, filling="x" * 1_000))) as url:
        results = speaker(url).submit(PEOPLE)

    assert results == [Ambiguous("answer too large")] * 2


@pytest.mark.parametrize(
    ("status", "category"),
    [
        ("400 Bad Request", Category.REQUEST), ("401 Unauthorized", Category.CHANNEL),
        ("403 Forbidden", Category.CHANNEL), ("413 Content Too Large", Category.REQUEST),
        ("429 Too Many Requests", Category.THROTTLE),
    ],
)  # fmt: skip
def test_a_refusal_of_the_whole_call_says_why(status, category):
    with vendor(says(status, body(results=BOTH))) as url:
        results = speaker(url).submit(PEOPLE)

    assert results == [Refused(category, status[:3])] * 2


@pytest.mark.parametrize(
    "second",
    [
        [], [TAKEN], [{"reference": "202611-2", "status": "accepted"}],
        [{"reference": "202611-2", "status": "accepted", "vendor_id": ""}],
        [{"reference": "202611-2", "status": "accepted", "vendor_id": 7}],
        [{"reference": "202611-2", "status": "accepted", "vendor_id": "b" * 65}],
        [{"reference": "202611-2", "status": "refused", "category": "NEW_ONE"}],
        [{"reference": "202611-2", "status": "refused", "category": []}], [{"reference": "202611-2"}],
        [BOTH[1], {"reference": "202611-2", "status": "refused", "category": "NUMBER"}], ["202611-2"], [None],
    ],
)  # fmt: skip
def test_who_is_not_clearly_spoken_of_is_unsure_and_the_others_are_not(second):
    first = [] if second == [TAKEN] else [TAKEN]
    with vendor(says("200 OK", body(results=first + second))) as url:
        results = speaker(url).submit(PEOPLE)

    assert results[0] == Accepted("a")
    assert isinstance(results[1], Ambiguous)


def test_each_person_has_an_answer_of_their_own():
    refused = {"reference": "202611-2", "status": "refused", "category": "NUMBER", "code": "BAD_NUMBER"}
    with vendor(says("200 OK", body(results=[TAKEN, refused]))) as url:
        results = speaker(url).submit(PEOPLE)

    assert results == [Accepted("a"), Refused(Category.NUMBER, "BAD_NUMBER")]


def test_a_question_is_answered_by_accepted_absent_or_not_at_all():
    questions = [*QUESTIONS, Question("202611-3", "13900000003", NOON)]
    with vendor(says("200 OK", body(answers=[{"reference": "202611-2", "status": "absent"}, TAKEN]))) as url:
        found = speaker(url).query(questions)

    assert found[:2] == [Accepted("a"), Absent()]
    assert isinstance(found[2], Ambiguous)


@pytest.mark.parametrize(("said", "left"), [(b'{"balance": 900}', 900), (b'{"balance": null}', None)])
def test_the_balance_is_a_number_or_unknown(said, left):
    with vendor(says("200 OK", said)) as url:
        assert speaker(url).balance() == left


@pytest.mark.parametrize("said", [b'{"balance": "9"}', b'{"balance": 1.5}', b'{"balance": true}', b"{}", b"3"])
def test_a_balance_that_is_not_one_is_none_either(said):
    with vendor(says("200 OK", said)) as url, pytest.raises(NotSubmitted):
        speaker(url).balance()
