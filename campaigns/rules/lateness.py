"""What becomes of an occurrence that is fired late."""

from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """What to do with an occurrence."""

    FIRE = "FIRE"
    SKIP = "SKIP"
    ASK = "ASK"
    TOO_OLD = "TOO_OLD"


def expires_at(occurrence_at: datetime, valid_hours: int) -> datetime:
    """The instant from which an occurrence is given up."""
    return occurrence_at + timedelta(hours=valid_hours)


def judge(occurrence_at: datetime, *, now: datetime, policy: str, late_minutes: int, valid_hours: int) -> Verdict:
    """
    The verdict on an occurrence that is due at `now`; `policy` is SEND, SKIP or ASK.

    Exactly `late_minutes` is still in time; `valid_hours` themselves are already too old. Who wanted late ones
    skipped gets that even for a very late one; asking about what can't be sent any more would be no question.
    """
    is_late = now - occurrence_at > timedelta(minutes=late_minutes)
    if is_late and policy == "SKIP":
        return Verdict.SKIP
    if now >= expires_at(occurrence_at, valid_hours):
        return Verdict.TOO_OLD
    return Verdict.ASK if is_late and policy == "ASK" else Verdict.FIRE
