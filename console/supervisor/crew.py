"""Keeps programs running, and ends them in order."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from console.embedded.errors import say
from console.embedded.files import open_log
from console.embedded.running import die_with_parent, started_at, wait_until
from console.supervisor.parts import Part

LONGEST_WAIT_SECONDS = 30.0
# A program that has run this long has recovered: its next death counts as the first.
STEADY_SECONDS = 60.0
HURRIED_GRACE_SECONDS = 2.0


@dataclass
class Member:
    """A part and the program that plays it now. Times are monotonic seconds."""

    part: Part
    program: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths_count: int = 0
    retry_at: float = 0.0


class Crew:
    """
    The programs of one `up`. Use from the main thread only: a child dies with the thread that made it.

    Children run as the user who typed `up`, in sessions of their own so that Ctrl-C reaches only us.
    """

    def __init__(
        self, parts: Sequence[Part], *, folder: Path, logs: Path, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.members = [Member(part) for part in parts]
        self._folder = folder
        self._logs = logs
        self._environ = environ

    def start(self) -> None:
        for member in self.members:
            self._start(member)

    def tend(self) -> bool:
        """Restart what has died, later each time (1, 2, 4 … 30 s). Returns whether anything changed."""
        changed = False
        for member in self.members:
            if member.program is not None and member.program.poll() is not None:
                self._bury(member)
                changed = True
            if member.program is None and time.monotonic() >= member.retry_at:
                self._start(member)
                changed = True
        return changed

    def stop(self, in_a_hurry: Callable[[], bool] = lambda: False) -> None:
        """Stage by stage: ask with SIGTERM, give grace, kill what is left with its children."""
        stages = groupby(sorted(self.members, key=lambda member: member.part.stage), lambda m: m.part.stage)
        for _, members in stages:
            self._stop_together([member for member in members if member.program], in_a_hurry)

    def record(self) -> list[dict[str, object]]:
        """Who plays which part now."""
        found = [(member.part.name, member.program.pid) for member in self.members if member.program]
        return [{"name": name, "pid": pid, "started_at": started_at_or_zero(pid)} for name, pid in found]

    def deaths_count(self) -> int:
        return max((member.deaths_count for member in self.members), default=0)

    def _start(self, member: Member) -> None:
        log = open_log(self._logs / f"{member.part.name}.log")
        try:
            member.program = subprocess.Popen(
                member.part.argv,
                cwd=self._folder,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        finally:
            os.close(log)
        member.started_at = time.monotonic()

    def _bury(self, member: Member) -> None:
        program, member.program = member.program, None
        if program is None:
            return
        # Its own children (a worker's pool) must not outlive it.
        _kill_group(program.pid)
        now = time.monotonic()
        member.deaths_count = 1 if now - member.started_at > STEADY_SECONDS else member.deaths_count + 1
        wait_seconds = min(2.0 ** (member.deaths_count - 1), LONGEST_WAIT_SECONDS)
        member.retry_at = now + wait_seconds
        log = self._logs / f"{member.part.name}.log"
        say(f"{member.part.name} ended with {program.returncode}; again in {wait_seconds:.0f} s. See {log}.")

    def _stop_together(self, members: list[Member], in_a_hurry: Callable[[], bool]) -> None:
        for member in members:
            if member.program is not None and member.program.poll() is None:
                member.program.send_signal(signal.SIGTERM)
        begun = time.monotonic()

        def is_over() -> bool:
            waited = time.monotonic() - begun
            left = [member for member in members if member.program and member.program.poll() is None]
            if in_a_hurry() and waited > HURRIED_GRACE_SECONDS:
                return True
            return all(waited > member.part.grace_seconds for member in left)

        wait_until(is_over, max((member.part.grace_seconds for member in members), default=0.0) + 1)
        for member in members:
            _end_for_good(member)


def started_at_or_zero(pid: int) -> float:
    return started_at(pid) or 0.0


def _end_for_good(member: Member) -> None:
    if member.program is None:
        return
    if member.program.poll() is None:
        say(f"{member.part.name} did not end in time and was killed.")
    _kill_group(member.program.pid)
    member.program.wait()
    member.program = None


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
