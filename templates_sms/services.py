"""Templates: drafted, submitted, approved or sent back by somebody else, retired."""

import hashlib
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import Operator
from foundation.services import audit
from foundation.services.export_lists import ExportList, all_of, facts
from templates_sms.models import (
    ReviewAction,
    Signature,
    Template,
    TemplateReview,
    TemplateState,
    TemplateVersion,
    Tier,
)
from templates_sms.queries import findings
from templates_sms.rules.merge_fields import fields_in, validate

# In these a text may be changed.
OPEN_STATES = (TemplateState.DRAFT, TemplateState.REJECTED, TemplateState.APPROVED)

TEMPLATE_LIST = ExportList(
    "templates", gettext_lazy("Templates"), ("templates_sms.view_template",),
    facts(Template, "name", "tier", "signature", "body", "state", "author", "changed_at"),
    all_of(Template, "-changed_at", "-id", related=("author", "signature")),
)  # fmt: skip


class TextRefused(DomainError):
    """The text can't be sent as it is."""

    code = "TEXT_REFUSED"


def fingerprint(*, tier: str, signature_name: str, body: str) -> str:
    """SHA-256 over what a member would read."""
    return hashlib.sha256("\0".join((tier, signature_name, body)).encode()).hexdigest()


def check_text(body: str) -> None:
    """Raises TextRefused for a text with broken merge fields or forbidden words; risky words are only shown."""
    problems = validate(body)
    if problems:
        details = ", ".join(f"{one.code} {one.detail}".strip() for one in problems)
        raise TextRefused(_("The text can't be read: %(details)s") % {"details": details})
    forbidden = [one.word for one in findings(body=body) if one.is_forbidden]
    if forbidden:
        raise TextRefused(_("The text has words that channels refuse: %(words)s") % {"words": ", ".join(forbidden)})


def _check_answer(tier: str, body: str) -> None:
    if "answer" in fields_in(body) and tier != Tier.NOTICE:
        raise TextRefused(_("{answer} is for notices that answer one person."))


@transaction.atomic
def save_draft(
    *,
    template_id: int | None,
    name: str,
    tier: str,
    signature: Signature,
    body: str,
    by: Operator,
    now: datetime,
    seen: datetime | None = None,
) -> Template:
    """
    Make a template or change its draft; a change after approval needs a new approval. A repeat changes nothing.

    A draft may still have forbidden words or broken fields: `submit` refuses those. Raises HasMoved while it is being
    reviewed, after it was retired, and when it is no longer as it was `seen` (its `changed_at`).
    """
    facts = {"name": name, "tier": tier, "signature": signature, "body": body}
    if template_id is None:
        return Template.objects.create(author=by, changed_at=now, **facts)
    template = Template.objects.select_for_update().get(pk=template_id)
    if template.state not in OPEN_STATES:
        raise HasMoved(_("This template is being reviewed or was retired; it can't be changed now."))
    if all(getattr(template, field) == value for field, value in facts.items()):
        return template
    if seen is not None and template.changed_at != seen:
        raise HasMoved(_("%(who)s has changed it meanwhile.") % {"who": template.author})
    for field, value in facts.items():
        setattr(template, field, value)
    template.state, template.author, template.changed_at = TemplateState.DRAFT, by, now
    template.save()
    return template


@transaction.atomic
def submit(*, template_id: int, by: Operator, now: datetime) -> None:
    """Hand a draft to review. Raises HasMoved, TextRefused."""
    template = Template.objects.select_for_update().select_related("signature").get(pk=template_id)
    check_text(template.body)
    _check_answer(template.tier, template.body)
    _move(template, [TemplateState.DRAFT, TemplateState.REJECTED], TemplateState.SUBMITTED, now=now)
    _note(template, ReviewAction.SUBMITTED, by=by, now=now)


@transaction.atomic
def approve(*, template_id: int, by: Operator, now: datetime, seen: datetime | None = None) -> TemplateVersion:
    """
    Turn a submitted draft into an immutable version.

    Raises NotAllowed when `by` wrote it, HasMoved when it is not waiting for review, or no longer as it was `seen`
    (its `changed_at`).
    """
    template = Template.objects.select_for_update().select_related("signature").get(pk=template_id)
    if seen is not None and template.changed_at != seen:
        raise HasMoved(_("It was changed since you opened it. Look again."))
    if template.author_id == by.pk:
        raise NotAllowed(_("Nobody approves their own text. Ask a colleague."))
    _move(template, [TemplateState.SUBMITTED], TemplateState.APPROVED, now=now)
    number = template.versions.count() + 1
    name = template.signature.name
    version = TemplateVersion.objects.create(
        template=template, number=number, tier=template.tier, signature_name=name, body=template.body,
        sha256=fingerprint(tier=template.tier, signature_name=name, body=template.body), author=template.author,
        approved_by=by, approved_at=now,
    )  # fmt: skip
    _note(template, ReviewAction.APPROVED, by=by, now=now)
    return version


@transaction.atomic
def reject(*, template_id: int, reason: str, by: Operator, now: datetime) -> None:
    """Send a submitted draft back with a reason. Raises NotAllowed for the author, HasMoved, DomainError."""
    template = Template.objects.select_for_update().select_related("signature").get(pk=template_id)
    if template.author_id == by.pk:
        raise NotAllowed(_("Nobody reviews their own text. Ask a colleague."))
    if not reason.strip():
        raise DomainError(_("Say what has to change."))
    _move(template, [TemplateState.SUBMITTED], TemplateState.REJECTED, now=now)
    _note(template, ReviewAction.REJECTED, by=by, now=now, reason=reason.strip()[:200])


def _move(template: Template, old: list[TemplateState], new: TemplateState, *, now: datetime) -> None:
    if not Template.objects.filter(pk=template.pk, state__in=old).update(state=new, changed_at=now):
        raise HasMoved(_("Somebody was faster: the state of this template has changed."))
    template.state = new


def _note(template: Template, action: ReviewAction, *, by: Operator, now: datetime, reason: str = "") -> None:
    sha256 = fingerprint(tier=template.tier, signature_name=template.signature.name, body=template.body)
    TemplateReview.objects.create(template=template, action=action, sha256=sha256, by=by, at=now, reason=reason)
    audit.record(
        action=f"template.{action.lower()}", subject=f"templates_sms.template:{template.pk}", by=by, now=now,
        sha256=sha256,
    )  # fmt: skip
