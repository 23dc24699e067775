from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import AuditEntry
from templates_sms import services
from templates_sms.models import SensitiveWord, Signature, Template, TemplateReview, TemplateState, TemplateVersion
from templates_sms.queries import text_of, texts_of
from tests.factories import NOON, make_operator, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def author():
    return make_operator()


@pytest.fixture
def approver():
    return make_operator()


def draft(author, body: str = "全场八折。", **facts) -> Template:
    signature, _made = Signature.objects.get_or_create(name="佳家超市")
    chosen = {"template_id": None, "name": "八折", "tier": "MARKETING", "signature": signature} | facts
    return services.save_draft(body=body, by=author, now=NOON, **chosen)


def test_a_text_becomes_a_version_when_somebody_else_approves_it(author, approver):
    template = draft(author)
    services.submit(template_id=template.pk, by=author, now=NOON)

    version = services.approve(template_id=template.pk, by=approver, now=NOON)

    template.refresh_from_db()
    assert (template.state, version.number, version.author, version.approved_by) == (
        TemplateState.APPROVED, 1, author, approver,
    )  # fmt: skip
    assert version.sha256 == services.fingerprint(tier="MARKETING", signature_name="佳家超市", body="全场八折。")
    assert list(TemplateReview.objects.order_by("id").values_list("action", flat=True)) == ["SUBMITTED", "APPROVED"]
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["template.submitted", "template.approved"]


def test_nobody_approves_or_rejects_their_own_text(author):
    template = draft(author)
    services.submit(template_id=template.pk, by=author, now=NOON)

    with pytest.raises(NotAllowed):
        services.approve(template_id=template.pk, by=author, now=NOON)
    with pytest.raises(NotAllowed):
        services.reject(template_id=template.pk, reason="x", by=author, now=NOON)

    assert not TemplateVersion.objects.exists()
    assert Template.objects.get().state == TemplateState.SUBMITTED


def test_who_changes_a_draft_is_its_author_from_then_on(author, approver):
    template = draft(author)
    draft(approver, template_id=template.pk, body="全场七折。")
    services.submit(template_id=template.pk, by=author, now=NOON)

    with pytest.raises(NotAllowed):
        services.approve(template_id=template.pk, by=approver, now=NOON)


def test_a_draft_is_not_approved_and_a_submitted_text_is_not_changed(author, approver):
    template = draft(author)
    with pytest.raises(HasMoved):
        services.approve(template_id=template.pk, by=approver, now=NOON)
    services.submit(template_id=template.pk, by=author, now=NOON)
    with pytest.raises(HasMoved):
        draft(author, template_id=template.pk, body="改了。")

    assert Template.objects.get().body == "全场八折。"
    assert not TemplateVersion.objects.exists()


def test_a_change_after_the_approval_makes_a_second_version_beside_the_first(author, approver):
    template = draft(author)
    services.submit(template_id=template.pk, by=author, now=NOON)
    first = services.approve(template_id=template.pk, by=approver, now=NOON)
    draft(author, template_id=template.pk, body="全场七折。")
    assert Template.objects.get().state == TemplateState.DRAFT
    services.submit(template_id=template.pk, by=author, now=NOON)

    second = services.approve(template_id=template.pk, by=approver, now=NOON)

    first.refresh_from_db()
    assert (first.body, second.body, second.number) == ("全场八折。", "全场七折。", 2)


def test_a_text_is_sent_back_only_with_a_reason(author, approver):
    template = draft(author)
    services.submit(template_id=template.pk, by=author, now=NOON)

    with pytest.raises(DomainError):
        services.reject(template_id=template.pk, reason=" ", by=approver, now=NOON)
    services.reject(template_id=template.pk, reason=" 太长 ", by=approver, now=NOON)

    assert Template.objects.get().state == TemplateState.REJECTED
    assert TemplateReview.objects.last().reason == "太长"


@pytest.mark.parametrize("body", ["", "你好{nmae}", "第一行\n第二行", "【别家】全场八折。", "全场八折，退订回T"])
def test_a_text_that_no_channel_takes_is_kept_but_not_submitted(author, body):
    template = draft(author, body)

    with pytest.raises(services.TextRefused):
        services.submit(template_id=template.pk, by=author, now=NOON)

    assert (Template.objects.get().state, TemplateReview.objects.count()) == (TemplateState.DRAFT, 0)


def test_the_chains_own_forbidden_words_count(author):
    draft(author, "买一送一，跳楼价。")
    SensitiveWord.objects.create(word="跳楼价", kind="BANNED")
    template = draft(author, "买一送一，跳 楼 价。", name="另一个")

    with pytest.raises(services.TextRefused, match="跳楼价"):
        services.submit(template_id=template.pk, by=author, now=NOON)


def test_keeping_the_same_again_changes_nothing_and_voids_no_approval(author, approver):
    template = draft(author)
    services.submit(template_id=template.pk, by=author, now=NOON)
    services.approve(template_id=template.pk, by=approver, now=NOON)

    draft(approver, template_id=template.pk)

    kept = Template.objects.get()
    assert (kept.state, kept.author) == (TemplateState.APPROVED, author)


def test_what_somebody_changed_meanwhile_is_not_overwritten(author, approver):
    template = draft(author)
    services.save_draft(
        template_id=template.pk, name="八折", tier="MARKETING", signature=template.signature, body="七折",
        by=approver, now=NOON + timedelta(seconds=5), seen=template.changed_at,
    )  # fmt: skip

    with pytest.raises(HasMoved):
        draft(author, "六折", template_id=template.pk, seen=template.changed_at)

    assert Template.objects.get().body == "七折"


@pytest.mark.parametrize(
    "change", ["UPDATE templates_sms_templateversion SET body = 'x'", "DELETE FROM templates_sms_templateversion"]
)
def test_the_database_refuses_to_change_a_version(change):
    version = make_version()

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)

    assert TemplateVersion.objects.get().body == version.body


def test_only_marketing_carries_opt_out_words():
    for tier, text in (("MARKETING", "【佳家超市】满100减20拒收请回复R"), ("NOTICE", "【佳家超市】满100减20")):
        version = make_version("满100减20", tier=tier)
        compiled = texts_of(version_ids=[version.pk])[version.pk]
        sent = text_of(version=compiled, params={}, opt_out_words="拒收请回复R")
        assert sent.replace(" ", "") == text
