import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from delivery.adapters.simulator.adapter import SimulatorAdapter
from delivery.adapters.simulator.carrier import Carrier
from delivery.adapters.simulator.push import Pusher
from delivery.adapters.simulator.scenario import Scenario
from delivery.adapters.simulator.server import MAX_BODY, serve
from delivery.port import Absent, Accepted, Ambiguous, Person, Question, Refused
from delivery.rules.categories import Category
from tests.delivery.vendors import says, vendor
from tests.factories import NOON, mobile

PEOPLE = [Person(f"202611-{number}", mobile(number), "x") for number in range(3)]
QUESTIONS = [Question(one.reference, one.phone, NOON) for one in PEOPLE]

Start = Callable[..., tuple[Carrier, str]]


@contextmanager
def running(path: Path, scenario: Scenario) -> Iterator[tuple[Carrier, str]]:
    """A carrier that listens, and its address."""
    carrier = Carrier(path=path, scenario=scenario, seed="1")
    server = serve(carrier=carrier, host="127.0.0.1", port=0)
    yield carrier, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda **facts: stack.enter_context(running(tmp_path / "carrier.sqlite3", Scenario(**facts)))


def speaker(url: str, *, callback: str = "http://127.0.0.1:1", seconds: float = 5) -> SimulatorAdapter:
    return SimulatorAdapter(base_url=url, channel="one", callback=callback, timeout_seconds=seconds)


def test_people_are_accepted_and_can_be_asked_about(start: Start):
    carrier, url = start(balance=9_000)
    adapter = speaker(url)

    results = adapter.submit(PEOPLE[:2])

    assert [type(one) for one in results] == [Accepted, Accepted]
    assert [one["reference"] for one in carrier.accepted()] == ["202611-0", "202611-1"]
    assert adapter.query(QUESTIONS) == [*results, Absent()]
    assert adapter.balance() == 9_000 - 2 * 450
    assert httpx.get(f"{url}/accepted").json() == {"accepted": carrier.accepted()}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("timeout_after_accept_bp", "ReadTimeout"), ("reset_after_accept_bp", "ReadError"),
        ("half_answer_bp", "RemoteProtocolError"),
    ],
)  # fmt: skip
def test_a_call_that_breaks_after_the_accept_looks_like_it(start: Start, name, seen):
    carrier, url = start(**{name: 10_000})

    results = speaker(url, seconds=0.5).submit(PEOPLE)

    assert results == [Ambiguous(seen)] * 3
    assert len(carrier.accepted()) == 3


def test_a_call_that_is_left_hanging_is_closed_in_the_end(start: Start):
    _carrier, url = start(timeout_after_accept_bp=10_000, hold_seconds=0.05)

    assert speaker(url).submit(PEOPLE) == [Ambiguous("RemoteProtocolError")] * 3


def test_a_call_above_the_speed_is_refused_with_a_time_to_come_again(start: Start):
    carrier, url = start(people_per_second=1)
    speaker(url).submit(PEOPLE)

    again = httpx.post(f"{url}/submit/one", json={"callback": "", "people": [{**carrier.accepted()[0]}]})

    assert (again.status_code, again.headers["retry-after"]) == (429, "3")
    assert speaker(url).submit(PEOPLE) == [Refused(Category.THROTTLE, "429")] * 3
    assert len(carrier.accepted()) == 3


def test_an_error_of_the_carrier_is_unsure(start: Start):
    _carrier, url = start(error_500_bp=10_000)

    assert speaker(url).submit(PEOPLE) == [Ambiguous("HTTP 500")] * 3


@pytest.mark.parametrize(
    "call",
    [
        b"", b"{", b"[]", b'{"people": []}', b'{"callback": "", "people": []}', b'{"callback": "", "people": [1]}',
        b'{"callback": "", "people": [{"reference": "1", "phone": "1", "text": 1}]}',
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_is_taken_for_nobody(start: Start, call):
    carrier, url = start()

    assert httpx.post(f"{url}/submit/one", content=call).status_code == 400
    assert carrier.accepted() == []


def test_unknown_paths_and_too_large_calls_are_refused(start: Start):
    _carrier, url = start()

    assert httpx.get(f"{url}/nowhere").status_code == 404
    assert httpx.post(f"{url}/nowhere", content=b"{}").status_code == 404
    assert httpx.get(f"{url}/healthz").json() == {"ok": True}
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port)) as line:
        line.sendall(f"POST /submit/one HTTP/1.1\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode())
        assert line.recv(12) == b"HTTP/1.1 413"


def test_an_early_receipt_comes_before_the_answer(start: Start):
    pushed: list[bytes] = []
    _carrier, url = start(early_receipt_bp=10_000, delay_from=60, delay_until=60)

    with vendor(says("200 OK", b"{}"), requests=pushed) as console:
        results = speaker(url, callback=console).submit(PEOPLE)

    told = [one for body in pushed for one in json.loads(body)["receipts"]]
    assert [one["vendor_id"] for one in told] == [one.vendor_id for one in results]
    assert [one["reference"] for one in told] == [one.reference for one in PEOPLE]


def test_receipts_and_replies_are_told_to_the_console_each_once(start: Start):
    pushed: list[bytes] = []
    carrier, url = start(chat_bp=10_000)
    with vendor(says("200 OK", b"{}"), requests=pushed) as console:
        speaker(url, callback=console).submit(PEOPLE)
        pusher = Pusher(carrier)

        first, second = pusher.push_due(), pusher.push_due()
        pusher.close()

    assert (first, second) == (6, 0)
    receipts, replies = (json.loads(body) for body in pushed)
    assert [one["reference"] for one in receipts["receipts"]] == [one.reference for one in PEOPLE]
    assert [one["phone"] for one in replies["replies"]] == [one.phone for one in PEOPLE]


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_a_console_that_is_out_of_order_is_told_again(start: Start, status):
    carrier, url = start()
    with vendor(says(status, b"{}")) as console:
        speaker(url, callback=console).submit(PEOPLE)
        pusher = Pusher(carrier)

        assert pusher.push_due() == 0
        pusher.close()

    assert carrier.due(limit=9) == []
    assert len(carrier.due(limit=9, until=carrier._clock() + 5)) == 3


def test_many_clients_at_once_are_all_written_down(start: Start):
    carrier, url = start()

    def send(first: int) -> None:
        adapter = speaker(url)
        for step in range(5):
            numbers = range(first + step * 20, first + step * 20 + 20)
            adapter.submit([Person(f"202611-{number}", mobile(number), "x") for number in numbers])

    threads = [threading.Thread(target=send, args=(number * 100,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(int(one["reference"][7:]) for one in carrier.accepted()) == list(range(400))
    assert len({one.content()["vendor_id"] for one in carrier.due(limit=1_000)}) == 400
