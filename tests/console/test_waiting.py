"""Waiting for me: what is there, the way from one to the next, and deciding on what was seen."""

from datetime import timedelta

import pytest

from campaigns.services import review
from console import permissions
from coupons.models import BatchState, CouponBatch
from coupons.services import batches
from foundation import clock
from templates_sms import services as texts
from templates_sms.models import Signature, Template, TemplateState
from tests.console.test_watch import client_of
from tests.factories import NOON, make_campaign, make_channel, make_member, make_operator, make_terms

pytestmark = pytest.mark.usefixtures("committed")
MORNING = NOON - timedelta(hours=3)


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups, on the morning of 20 November 2026."""
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: MORNING)


def submitted_text(name: str) -> Template:
    author = make_operator()
    signature, _made = Signature.objects.get_or_create(name="佳家超市")
    row = texts.save_draft(
        template_id=None, name=name, tier="MARKETING", signature=signature, body="到店有礼。", by=author, now=MORNING
    )
    texts.submit(template_id=row.pk, by=author, now=MORNING)
    return Template.objects.get(pk=row.pk)


def submitted_batch() -> CouponBatch:
    batch = make_terms().batch
    CouponBatch.objects.filter(pk=batch.pk).update(state=BatchState.SUBMITTED, author=make_operator())
    batch.refresh_from_db()
    return batch


def test_what_waits_leads_from_one_to_the_next_and_round_again():
    first, second = submitted_text("甲"), submitted_text("乙")
    client = client_of("approver")

    one, two = (client.get(f"/console/templates/{row.pk}/").content.decode() for row in (first, second))

    to_first, to_second = (f'rel="next" href="/console/templates/{row.pk}/"' for row in (first, second))
    assert to_second in one and to_first in two
    assert "data-todo" in client.get("/console/waiting/").content.decode()
    assert "data-next" not in client_of("marketing").get(f"/console/templates/{first.pk}/").content.decode()


def test_the_sentence_says_what_an_approval_leads_to():
    make_channel()
    make_member(1)
    campaign = make_campaign(is_approved=False)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    text = client_of("approver").get(f"/console/campaigns/{campaign.pk}/").content.decode()

    assert "<b>1 位会员</b>会在 <b>11-20 12:00:00</b>" in text
    assert f'name="seen" value="{campaign.__class__.objects.get().sheet_id}"' in text


@pytest.mark.parametrize("kind", ["template", "batch"])
def test_what_was_changed_after_it_was_opened_is_not_approved(kind):
    row = submitted_text("甲") if kind == "template" else submitted_batch()
    path = f"/console/{'templates' if kind == 'template' else 'batches'}/{row.pk}/approve/"
    client, before = client_of("approver"), (row.changed_at - timedelta(seconds=5)).isoformat()

    refused = client.post(path, {"seen": before}, follow=True)
    row.refresh_from_db()
    assert "打开后内容改过了" in refused.content.decode() and row.state == "SUBMITTED"
    client.post(path, {"seen": row.changed_at.isoformat()})

    row.refresh_from_db()
    assert row.state == (TemplateState.APPROVED if kind == "template" else BatchState.ACTIVE)


def test_the_form_itself_sends_what_was_seen():
    batch, client = submitted_batch(), client_of("approver")
    text = client.get(f"/console/batches/{batch.pk}/").content.decode()

    assert f'value="{batch.changed_at.isoformat()}"' in text
    batches.approve(batch_id=batch.pk, by=make_operator(), now=MORNING, seen=batch.changed_at)
