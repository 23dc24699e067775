"""console.supervisor with small programs in the place of web, workers and clock."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.embedded import EmbeddedError, Place
from console.embedded.files import write_json
from console.embedded.running import is_alive, started_at, wait_until
from console.supervisor.crew import Crew
from console.supervisor.instance import announce, running_instance, sole_instance, stop_instance
from console.supervisor.parts import Part, all_parts
from console.supervisor.report import lines

PROJECT = Path(__file__).resolve().parents[2]

# Argument 1 is told when the program is up, argument 2 when it was asked to stop.
OBEDIENT = """
import pathlib, signal, sys
def end(number, frame):
    with open("ended", "a") as file: file.write(sys.argv[1] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path("up-" + sys.argv[1]).touch()
while True: signal.pause()
"""
STUBBORN = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("up-" + sys.argv[1]).touch()
while True: signal.pause()
"""
DYING = """
with open("starts", "a") as file: file.write("x")
raise SystemExit(7)
"""


def part(name, code, stage, grace_seconds=5.0):
    return Part(name, (sys.executable, "-S", "-E", "-c", code, name), stage, grace_seconds)


def crew_of(folder, *parts):
    return Crew(parts, folder=folder, logs=folder / "log")


def wait_up(folder, *names):
    assert wait_until(lambda: all((folder / f"up-{name}").exists() for name in names), 10)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_parts_stop_in_order_of_their_stage(tmp_path):
    crew = crew_of(tmp_path, part("web", OBEDIENT, 3), part("worker", OBEDIENT, 2), part("beat", OBEDIENT, 1))
    crew.start()
    wait_up(tmp_path, "web", "worker", "beat")

    crew.stop()

    assert (tmp_path / "ended").read_text().split() == ["beat", "worker", "web"]
    assert crew.record() == []


def test_a_part_that_ignores_the_request_is_killed_after_its_grace(tmp_path, capsys):
    crew = crew_of(tmp_path, part("worker", STUBBORN, 1, grace_seconds=0.3))
    crew.start()
    wait_up(tmp_path, "worker")
    pid = crew.record()[0]["pid"]

    crew.stop()

    assert started_at(pid) is None
    assert "worker did not end in time" in capsys.readouterr().err


def test_a_second_request_shortens_the_grace(tmp_path):
    crew = crew_of(tmp_path, part("worker", STUBBORN, 1, grace_seconds=60))
    crew.start()
    wait_up(tmp_path, "worker")
    begun = time.monotonic()

    crew.stop(in_a_hurry=lambda: True)

    assert time.monotonic() - begun < 10


def test_a_part_that_dies_is_started_again_later_each_time(tmp_path, capsys):
    crew = crew_of(tmp_path, part("web", DYING, 1))
    crew.start()

    def tended_until_third_start():
        crew.tend()
        starts = tmp_path / "starts"
        return starts.exists() and starts.read_text() == "xxx"

    assert wait_until(tended_until_third_start, 10)
    crew.stop()
    said = capsys.readouterr().err
    assert "web ended with 7; again in 1 s" in said
    assert "again in 2 s" in said


def test_children_of_a_dead_part_do_not_outlive_it(tmp_path):
    code = "import os, time\npid = os.fork()\nif pid == 0: time.sleep(60)\nopen('child', 'w').write(str(pid))"
    crew = crew_of(tmp_path, part("worker", code, 1))
    crew.start()

    assert wait_until(crew.tend, 10)

    child = int((tmp_path / "child").read_text())
    assert wait_until(lambda: started_at(child) is None, 5)
    crew.stop()


def test_a_part_is_restarted_while_others_run_on(tmp_path):
    crew = crew_of(tmp_path, part("web", OBEDIENT, 1), part("worker", OBEDIENT, 2))
    crew.start()
    wait_up(tmp_path, "web", "worker")
    web, worker = crew.record()
    os.kill(web["pid"], signal.SIGKILL)

    assert wait_until(lambda: crew.tend() and len(crew.record()) == 2, 10)

    assert crew.record()[0]["pid"] != web["pid"]
    assert crew.record()[1] == worker
    crew.stop()


def test_logs_are_kept_and_turned_over_when_large(tmp_path):
    log = tmp_path / "log" / "web.log"
    log.parent.mkdir()
    with log.open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    crew = crew_of(tmp_path, part("web", "print('hello')", 1))

    crew.start()

    assert wait_until(lambda: log.read_text() == "hello\n", 10)
    assert log.with_name("web.log.1").stat().st_size == 11 * 1024 * 1024
    crew.stop()


SUPERVISE = """
import sys, time
from pathlib import Path
from console.supervisor.crew import Crew
from console.supervisor.parts import Part
folder = Path(sys.argv[1])
web = Part("web", (sys.executable, "-S", "-E", "-c", sys.argv[2], "web"), 1)
Crew([web], folder=folder, logs=folder).start()
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_parts_end_when_their_supervisor_is_killed(tmp_path):
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISE, str(tmp_path), OBEDIENT], cwd=PROJECT)
    wait_up(tmp_path, "web")

    supervisor.kill()
    supervisor.wait()

    assert wait_until((tmp_path / "ended").exists, 10)


HOLD = """
import os, signal, sys
from pathlib import Path
from console.embedded import Place
from console.supervisor.instance import announce, sole_instance
place = Place(Path(sys.argv[1]))
# Leaving from the handler: a signal that comes just before pause() must not be lost.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
with sole_instance(place):
    announce(place, {"WEB_URL": "http://127.0.0.1:8001"}, [])
    print("up", flush=True)
    signal.pause()
"""


@pytest.fixture
def holder(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout.readline() == "up\n"
    yield program
    program.kill()
    program.communicate()


def test_a_second_instance_is_told_who_runs_and_where(place, holder):
    with pytest.raises(EmbeddedError) as refusal, sole_instance(place):
        pass

    assert f"http://127.0.0.1:8001 (pid {holder.pid}, state in {place.folder})" in str(refusal.value)


def test_an_instance_is_seen_and_stopped(place, holder):
    assert running_instance(place)["pid"] == holder.pid
    assert "runs at http://127.0.0.1:8001" in next(lines(place))

    assert stop_instance(place) is True

    assert running_instance(place) is None
    assert stop_instance(place) is False
    assert "not running" in next(lines(place))


def test_a_killed_instance_is_not_taken_for_a_running_one(place, holder):
    holder.kill()
    holder.wait()

    assert running_instance(place) is None
    with sole_instance(place):
        announce(place, {}, [])
        assert running_instance(place)["pid"] == os.getpid()


def test_parts_that_a_killed_instance_left_are_ended_first(place):
    left = subprocess.Popen(["sleep", "60"])
    part_record = {"name": "web", "pid": left.pid, "started_at": started_at(left.pid)}
    write_json(place.supervisor, {"pid": 1, "started_at": 1.0, "parts": [part_record]})

    with sole_instance(place):
        assert not is_alive(left.pid, part_record["started_at"])
    left.wait()


def test_every_lane_has_a_worker_and_the_clock_stops_first():
    parts = all_parts(PROJECT, {"WEB_PORT": "8000", "SIMULATOR_PORT": "8100"})

    names = {"simulator", "web", "clock", "urgent", "inbound", "bulk", "background", "beat"}
    assert {found.name for found in parts} == names
    assert min(parts, key=lambda found: found.stage).name == "beat"
