"""Kill -9 in the middle of a freeze: it goes on with the exact next person, whoever takes it up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Count

from campaigns.models import Run, RunState
from campaigns.services import freeze, runs
from coupons.models import Coupon, CouponBatch
from delivery.models import Dispatch, Message, Ready
from tests.delivery.ledgers import assert_counts_hold
from tests.factories import NOON, make_campaign, make_channel, make_member, make_terms, make_version

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.chaos]

PEOPLE = 350  # in chunks of a hundred
SCRIPT = Path(__file__).with_name("freezer.py")


def start_freezer(step: str, nth: int) -> subprocess.Popen:
    """A process on the database of this test that dies at a step."""
    at = connection.settings_dict
    address = f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
    environ = os.environ | {"DATABASE_URL": address, "PYTHONPATH": str(SCRIPT.parents[2])}
    return subprocess.Popen([sys.executable, str(SCRIPT), step, str(nth), NOON.isoformat()], env=environ)


def fired_run() -> Run:
    """A run of 350 receivers and three members whom the rules leave out."""
    make_channel()
    for number in range(PEOPLE):
        make_member(number)
    make_member(9_001, consent=None)
    make_member(9_002, consent="OPTED_OUT")
    make_member(9_003, phone=None)
    body = "{name|会员}您好，送您券{coupon_code}，点{coupon_link}，退订{preference_link}"
    make_campaign(version=make_version(body), terms=make_terms(planned_count=1_000))
    runs.fire_due(now=NOON)
    return Run.objects.get()


def assert_exact(run: Run) -> None:
    """Everybody has one coupon and one message that names it; nothing was given away beside."""
    run.refresh_from_db()
    dispatch = Dispatch.objects.get()
    assert (run.state, run.matched_count, run.planned_count) == (RunState.SENDING, PEOPLE + 3, PEOPLE)
    assert run.exclusions == {"NO_CONSENT": 1, "OPTED_OUT": 1, "NO_PHONE": 1}
    assert Message.objects.count() == Ready.objects.count() == Coupon.objects.count() == PEOPLE
    assert CouponBatch.objects.get().issued_count == PEOPLE
    assert set(Message.objects.values_list("sender_ref", flat=True)) == set(Coupon.objects.values_list("pk", flat=True))
    assert not Coupon.objects.values("member_id").annotate(n=Count("pk")).filter(n__gt=1).exists()
    assert_counts_hold(dispatch, PEOPLE)


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("audience_sql", 1),  # the audience is not committed
        ("fix_audience", 1),
        ("issue_to", 2),  # coupons are made, their chunk is not committed
        ("_write", 3),
        ("freeze_chunk", 2),
        ("freeze_chunk", 4),  # everybody's message is written, the dispatch is not open
        ("_keep_exclusions", 1),  # inside the release
    ],
)
def test_a_freeze_killed_at_any_step_is_finished_exactly_by_another(step, nth):
    run = fired_run()
    assert start_freezer(step, nth).wait(timeout=60) == -signal.SIGKILL

    freeze.freeze_open(now=NOON)

    assert_exact(run)


def test_a_freeze_killed_while_another_works_beside_it_is_exact():
    run = fired_run()
    freezers = [start_freezer("_write", 1), start_freezer("freeze_chunk", 2), start_freezer("freeze_chunk", 99)]
    for freezer in freezers:
        freezer.wait(timeout=60)

    freeze.freeze_open(now=NOON)

    assert_exact(run)


def test_negative_control_a_chunk_that_forgets_its_mark_stands_still(monkeypatch):
    run = fired_run()
    real = freeze.execute
    monkeypatch.setattr(freeze, "execute", lambda sql, params: 0 if "is_frozen = true" in sql else real(sql, params))

    with pytest.raises(AssertionError):
        freeze.freeze_open(now=NOON)
        assert_exact(run)
