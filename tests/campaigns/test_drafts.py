from datetime import timedelta

import pytest

from campaigns.models import Campaign, CampaignReview, CampaignState
from campaigns.queries import examine, preflight
from campaigns.services import drafts, review, runs
from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import AuditEntry
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_segment,
    make_terms,
    make_version,
)

pytestmark = pytest.mark.django_db
MORNING = NOON - timedelta(hours=3)


@pytest.fixture(autouse=True)
def one_member_and_a_channel():
    make_member(1)
    make_channel()


def draft(**facts) -> Campaign:
    return make_campaign(is_approved=False, **facts)


def test_nobody_approves_or_rejects_their_own_campaign():
    author = make_operator()
    campaign = draft(author=author)
    review.submit(campaign_id=campaign.pk, by=author, now=MORNING)

    with pytest.raises(NotAllowed):
        review.approve(campaign_id=campaign.pk, by=author, now=MORNING)
    with pytest.raises(NotAllowed):
        review.reject(campaign_id=campaign.pk, reason="x", by=author, now=MORNING)

    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == (CampaignState.SUBMITTED, None)
    assert runs.fire_due(now=NOON) == []


def test_a_change_makes_an_approval_void():
    campaign = make_campaign()

    drafts.save_draft(
        campaign_id=campaign.pk, name=campaign.name, segment=campaign.segment, version=campaign.template_version,
        terms=None, scheduled_at=NOON, by=make_operator(), now=MORNING,
    )  # fmt: skip

    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by, campaign.approved_sha256) == (CampaignState.DRAFT, None, "")
    assert runs.fire_due(now=NOON) == []


def test_a_campaign_in_review_or_running_can_not_be_changed():
    campaign = make_campaign()
    runs.fire_due(now=NOON)

    with pytest.raises(HasMoved):
        drafts.save_draft(
            campaign_id=campaign.pk, name="other", segment=campaign.segment, version=campaign.template_version,
            terms=None, scheduled_at=NOON, by=make_operator(), now=MORNING,
        )  # fmt: skip

    assert Campaign.objects.get().name == campaign.name


def test_a_campaign_is_sent_back_with_a_reason_and_comes_again():
    campaign, approver = draft(), make_operator()
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    with pytest.raises(DomainError):
        review.reject(campaign_id=campaign.pk, reason="  ", by=approver, now=MORNING)
    review.reject(campaign_id=campaign.pk, reason="错别字", by=approver, now=MORNING)
    review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)
    review.approve(campaign_id=campaign.pk, by=approver, now=MORNING)

    steps = CampaignReview.objects.order_by("id").values_list("action", "reason")
    assert list(steps) == [("SUBMITTED", ""), ("REJECTED", "错别字"), ("SUBMITTED", ""), ("APPROVED", "")]
    campaign.refresh_from_db()
    assert campaign.approved_sha256 == drafts.content_sha256(campaign)
    assert AuditEntry.objects.filter(subject=f"campaigns.campaign:{campaign.pk}").count() == 4


@pytest.mark.parametrize(
    ("version", "terms"),
    [
        ({"body": "点{coupon_link}"}, None),
        ({"body": "到店有礼"}, {}),
        ({"body": "积分到期", "tier": "NOTICE"}, None),
        (
            {"body": "点{coupon_link}"},
            {"valid_days": None, "valid_from": NOON - timedelta(days=9), "valid_until": NOON},
        ),
    ],
)
def test_text_and_gift_must_fit(version, terms):
    with pytest.raises(drafts.CampaignRefused):
        draft(version=make_version(**version), terms=make_terms(**terms) if terms is not None else None)

    assert not Campaign.objects.exists()


def test_a_campaign_that_nobody_would_receive_or_that_is_late_can_not_be_submitted():
    nobody = make_segment({"op": "all", "rules": [{"field": "purchase_count", "op": "at_least", "value": 1}]})
    for campaign in (draft(segment=nobody), draft(scheduled_at=MORNING)):
        with pytest.raises(drafts.CampaignRefused):
            review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

    assert set(Campaign.objects.values_list("state", flat=True)) == {CampaignState.DRAFT}


def test_a_text_that_needs_a_name_is_blocked_while_somebody_has_none():
    make_member(2, name="")
    campaign = draft(version=make_version("{name}您好，全场八折。"))

    found = examine(campaign=campaign, now=MORNING)

    assert (found.sheet.will_receive, found.sheet.nameless, len(found.blockers)) == (2, 1, 1)
    with pytest.raises(drafts.CampaignRefused):
        review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)


def test_the_preflight_sheet_counts_parts_cost_and_time():
    for number in range(2, 5):
        make_member(number)
    make_channel("fast", price=550, parts_per_second=1, weight=100)
    campaign = draft(version=make_version("全场八折。" * 12), scheduled_at=NOON.replace(hour=6))

    sheet = preflight(campaign=campaign, now=MORNING)

    assert (sheet.by_parts, sheet.part_count, sheet.cost) == ({2: 4}, 8, 8 * 500)
    assert (sheet.first_at, sheet.last_at) == (NOON.replace(hour=6), NOON.replace(hour=6, second=1))
    assert (sheet.coupons_left, sheet.exposure_fen) == (None, 0)
