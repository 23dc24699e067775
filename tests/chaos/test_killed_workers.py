"""Real worker processes, a real carrier over HTTP, and kill -9 at the worst moments."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from delivery.adapters.simulator.carrier import Carrier
from delivery.adapters.simulator.scenario_files import load
from delivery.adapters.simulator.server import serve
from delivery.models import CapEntry, Dispatch, Handoff, Message, Ready
from delivery.services import sweep
from tests.delivery.ledgers import assert_counts_hold, pump_all, states
from tests.factories import NOON, add_people, make_channel, make_dispatch, mobile

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.chaos]

PEOPLE = 60
BATCH = 15
SCRIPT = Path(__file__).with_name("worker.py")


@pytest.fixture
def carrier(tmp_path: Path, settings) -> Iterator[Carrier]:
    """A carrier that remembers whom it really wrote to; the settings of this process lead to it."""
    carrier = Carrier(path=tmp_path / "carrier.sqlite3", scenario=load("silent"), seed="1")
    server = serve(carrier=carrier, host="127.0.0.1", port=0)
    settings.SIMULATOR_URL = f"http://127.0.0.1:{server.server_port}"
    settings.MESSAGE_LEASE_SECONDS = 1
    yield carrier
    server.shutdown()
    server.server_close()


def start_worker(settings, *, fail_point: str = "") -> subprocess.Popen:
    """A worker process on the database of this test."""
    at = connection.settings_dict
    address = f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
    environ = os.environ | {
        "DATABASE_URL": address, "SIMULATOR_URL": settings.SIMULATOR_URL, "FAIL_POINT": fail_point,
        "MESSAGE_LEASE_SECONDS": "1", "PYTHONPATH": str(SCRIPT.parents[2]),
    }  # fmt: skip
    return subprocess.Popen([sys.executable, str(SCRIPT), NOON.isoformat()], env=environ)


def open_dispatch() -> Dispatch:
    """Sixty people in four chunks."""
    make_channel(vendor="simulator", batch_size=BATCH)
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(number) for number in range(PEOPLE)])
    return dispatch


def finish(dispatch: Dispatch) -> None:
    """Pump and sweep in this process until the dispatch is closed."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        pump_all()
        sweep.sweep(now=NOON)
        dispatch.refresh_from_db()
        if dispatch.closed_at is not None:
            return
        time.sleep(0.05)  # the lease of the dead worker is running out
    pytest.fail(f"The dispatch did not close: {states(dispatch)}")


@pytest.mark.parametrize(
    ("fail_point", "unsure", "written"),
    [
        ("after_take", 0, PEOPLE),
        ("after_fence", BATCH, PEOPLE - BATCH),
        ("after_accept", BATCH, PEOPLE),
        ("after_record", 0, PEOPLE),
    ],
)
def test_a_worker_killed_at_any_point_doubles_nobody_and_loses_nobody(
    carrier: Carrier, settings, fail_point, unsure, written
):
    dispatch = open_dispatch()
    worker = start_worker(settings, fail_point=fail_point)
    assert worker.wait(timeout=30) == -signal.SIGKILL
    helper = start_worker(settings)

    assert helper.wait(timeout=30) == 0
    finish(dispatch)

    heard = Counter(one["phone"] for one in carrier.accepted())
    assert set(heard.values()) == {1}
    assert len(heard) == written
    assert states(dispatch) == {"ACCEPTED": PEOPLE - unsure} | ({"UNSURE": unsure} if unsure else {})
    assert set(Message.objects.filter(state="UNSURE").values_list("reason", flat=True)) <= {"WORKER_LOST"}
    assert CapEntry.objects.count() == PEOPLE
    assert not Ready.objects.exists()
    assert not Handoff.objects.filter(state__in=["TAKEN", "FENCED"]).exists()
    assert_counts_hold(dispatch, PEOPLE)


def test_workers_that_die_at_every_point_beside_living_ones_double_nobody(carrier: Carrier, settings):
    dispatch = open_dispatch()
    points = ["after_take", "after_fence", "after_accept", ""]
    workers = [start_worker(settings, fail_point=point) for point in points]

    for worker in workers:
        worker.wait(timeout=60)
    finish(dispatch)

    heard = Counter(one["phone"] for one in carrier.accepted())
    counted = states(dispatch)
    assert set(heard.values()) == {1}
    assert set(counted) <= {"ACCEPTED", "UNSURE"}
    assert counted["ACCEPTED"] <= len(heard) <= PEOPLE
    assert sum(counted.values()) == PEOPLE
    assert_counts_hold(dispatch, PEOPLE)
