"""Audiences go after the months that messages are kept; reports stay as they were."""

from datetime import timedelta

import pytest

from campaigns.models import Run, RunAudience
from campaigns.queries import report
from campaigns.services import freeze, retention, runs
from members.services.consent import opt_out
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, make_campaign, make_channel, make_member

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def ended(provider) -> Run:
    """A finished run of three people: one without consent, one who opted out the day after."""
    make_channel()
    leaving = make_member(1)
    make_member(2)
    make_member(3, consent=None)
    make_campaign()
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)
    pump_all()
    day_after = NOON + timedelta(days=1)
    opt_out(phone_hash=leaving.phone_hash, source="REPLY", proof="test", now=day_after)
    Run.objects.update(state="FINISHED", finished_at=day_after)
    return Run.objects.get()


def test_an_old_audience_goes_and_its_report_stays(ended: Run, settings, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 2)
    before = report(run=ended)
    assert (before.opt_outs, {code: n for code, _label, n in before.exclusions}) == (1, {"NO_CONSENT": 1})

    dropped = retention.drop_audiences(now=NOON + timedelta(days=31 * (settings.RETENTION_MONTHS + 1)))

    assert (dropped, RunAudience.objects.count()) == (3, 0)
    after = report(run=Run.objects.get())
    assert (after.opt_outs, after.exclusions, after.progress) == (before.opt_outs, before.exclusions, before.progress)
    assert retention.drop_audiences(now=NOON + timedelta(days=9_999)) == 0


def test_a_young_or_open_audience_stays(ended: Run, settings):
    assert retention.drop_audiences(now=NOON + timedelta(days=30 * (settings.RETENTION_MONTHS - 1))) == 0

    Run.objects.update(state="PAUSED", finished_at=None)
    assert retention.drop_audiences(now=NOON + timedelta(days=9_999)) == 0
    assert RunAudience.objects.count() == 3
