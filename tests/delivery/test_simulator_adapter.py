import pytest

from delivery.adapters.simulator.adapter import SimulatorAdapter
from delivery.port import Malformed, NotSubmitted, Person, ReceiptNote, ReplyNote
from tests.factories import NOON


@pytest.fixture
def simulator() -> SimulatorAdapter:
    return SimulatorAdapter(base_url="http://127.0.0.1:1", channel="one", callback="", timeout_seconds=1)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", b"[]", b"null", b'{"receipts": 1}', b'{"receipts": [1]}', b'{"receipts": [{}]}',
        b'{"receipts": [{"vendor_id": "", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "a\\u0000", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "\\ud800", "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
        b'{"receipts": [{"vendor_id": "a", "code": "DELIVRD", "at": "2026-11-20T04:00:00"}]}',
        b'{"receipts": [{"vendor_id": "a", "code": "DELIVRD", "at": "noon"}]}',
        b'{"receipts": [{"vendor_id": 7, "code": "DELIVRD", "at": "2026-11-20T04:00:00+00:00"}]}',
    ],
)  # fmt: skip
def test_the_simulators_adapter_refuses_what_its_carrier_never_sends(simulator: SimulatorAdapter, body):
    with pytest.raises(Malformed):
        simulator.receipts(body)


def test_the_simulators_adapter_reads_its_carrier(simulator: SimulatorAdapter):
    body = b'{"receipts": [{"vendor_id": "a", "code": "MK:0001", "at": "2026-11-20T12:00:00+08:00"}]}'

    assert simulator.receipts(body) == [ReceiptNote("a", False, "MK:0001", NOON)]
    assert simulator.replies(b'{"replies": [{"vendor_id": "b", "phone": "139", "text": "T"}]}') == [
        ReplyNote("b", "139", "T")
    ]


def test_a_carrier_that_does_not_listen_was_written_nothing(simulator: SimulatorAdapter):
    with pytest.raises(NotSubmitted):
        simulator.submit([Person("202611-1", "13900000001", "x")])
