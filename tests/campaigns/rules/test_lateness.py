from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.lateness import Verdict, judge

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("policy", "late", "verdict"),
    [
        ("SEND", timedelta(0), Verdict.FIRE),
        ("SEND", 2 * HOUR - SECOND, Verdict.FIRE),
        ("SEND", 2 * HOUR, Verdict.TOO_OLD),
        ("SKIP", HOUR, Verdict.FIRE),
        ("SKIP", HOUR + SECOND, Verdict.SKIP),
        ("SKIP", 9 * HOUR, Verdict.SKIP),
        ("ASK", HOUR, Verdict.FIRE),
        ("ASK", HOUR + SECOND, Verdict.ASK),
        ("ASK", 2 * HOUR, Verdict.TOO_OLD),
    ],
)
def test_exactly_the_limit_is_in_time_and_exactly_the_validity_is_too_old(policy, late, verdict):
    assert judge(NOON, now=NOON + late, policy=policy, late_minutes=60, valid_hours=2) == verdict


@given(
    late=st.integers(0, 10**6), policy=st.sampled_from(("SEND", "SKIP", "ASK")), late_minutes=st.integers(1, 5000),
    valid_hours=st.integers(1, 720),
)  # fmt: skip
def test_nothing_leaves_after_its_validity_and_nothing_is_refused_in_time(late, policy, late_minutes, valid_hours):
    now = NOON + timedelta(seconds=late)

    verdict = judge(NOON, now=now, policy=policy, late_minutes=late_minutes, valid_hours=valid_hours)

    if late >= valid_hours * 3600:
        assert verdict in (Verdict.TOO_OLD, Verdict.SKIP)
    elif late <= late_minutes * 60:
        assert verdict == Verdict.FIRE
    else:
        assert verdict == {"SEND": Verdict.FIRE, "SKIP": Verdict.SKIP, "ASK": Verdict.ASK}[policy]
