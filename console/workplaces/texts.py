"""Templates: draft with length and wording beside it, review by somebody else."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.queries import link_widths
from console.workplaces.base import attempt, need, page, seen_at, workplace
from delivery.queries.channels import price_of_part, widest_opt_out_words
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from members.models import Member
from templates_sms import services
from templates_sms.models import Signature, Template, TemplateState, Tier
from templates_sms.queries import findings
from templates_sms.rules.merge_fields import fill, validate, worst_case_values
from templates_sms.rules.parts import count_parts, full_text, length_units

MERGE_FIELDS = ("{name|会员}", "{coupon_code}", "{coupon_link}", "{expires}", "{preference_link}", "{answer}")


class TextForm(forms.Form):
    """A draft."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), choices=Tier.choices, initial=Tier.MARKETING)
    signature = forms.ModelChoiceField(
        label=gettext_lazy("Signature"), queryset=Signature.objects.filter(is_active=True).order_by("id"),
        empty_label=None,
    )  # fmt: skip
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Without signature and opt-out words; both are added by the system."),
    )


@dataclass(frozen=True)
class Sized:
    """How long a text gets for one member's name."""

    label: str
    text: str
    units: int
    parts: int
    cost: int


def lengths(body: str, signature: str, tier: str) -> list[Sized]:
    """Shortest, typical and longest member of this chain, with everything that is billed."""
    names = Member.objects.exclude(name="").annotate(length=Length(F("name")))
    total = names.count()
    ordered = names.order_by("length", "id").values_list("name", flat=True)
    samples = [
        (_("shortest name"), ordered[0] if total else ""),
        (_("typical name"), ordered[total // 2] if total else "会员"),
        (_("longest name"), ordered[total - 1] if total else "会员"),
    ]
    words = widest_opt_out_words() if tier == Tier.MARKETING else ""
    price = price_of_part()
    found = []
    for label, name in samples:
        filled = fill(body, {**worst_case_values(link_widths()), "name": name or "会员"})
        text = full_text(signature=signature, body=filled, opt_out_words=words)
        parts = count_parts(text)
        found.append(Sized(str(label), text, length_units(text), parts, parts * price))
    return found


@require_safe
@workplace("templates_sms.view_template")
def texts(request: HttpRequest) -> HttpResponse:
    """All templates."""
    rows = Template.objects.select_related("author", "signature").order_by("-changed_at")[:200]
    return page(request, "texts", _("Templates"), templates=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("templates_sms.view_template")
def text(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Draft, lengths, wording, versions, review trail."""
    row = get_object_or_404(Template.objects.select_related("signature", "author"), pk=pk) if pk else None
    form = TextForm(request.POST or None, initial=_initial(row))
    shown = (row.body, row.signature.name, row.tier) if row else None
    if request.method == "POST":
        need(request, "templates_sms.add_template")
        if form.is_valid():
            data = form.cleaned_data
            shown = (data["body"], data["signature"].name, data["tier"])
            if "save" in request.POST and (saved := _save(request, form, pk)) is not None:
                return redirect("text", pk=saved.pk)
    return page(request, "text", row.name if row else _("New template"), form=form, template_row=row, **_shown(shown),
                merge_fields=MERGE_FIELDS, can_edit=_can_edit(request, row), can_decide=_can_decide(request, row),
                reviews=row.reviews.select_related("by").order_by("-id") if row else [],
                versions=row.versions.select_related("approved_by").order_by("-number") if row else [])  # fmt: skip


def _initial(row: Template | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {"name": row.name, "tier": row.tier, "signature": row.signature_id, "body": row.body}


def _can_edit(request: HttpRequest, row: Template | None) -> bool:
    open_states = (TemplateState.DRAFT, TemplateState.REJECTED, TemplateState.APPROVED)
    return request.user.has_perm("templates_sms.add_template") and (row is None or row.state in open_states)


def _can_decide(request: HttpRequest, row: Template | None) -> bool:
    submitted = row is not None and row.state == TemplateState.SUBMITTED and row.author_id != request.user.pk
    return submitted and request.user.has_perm("templates_sms.approve_template")


def _save(request: HttpRequest, form: TextForm, pk: int | None) -> Template | None:
    try:
        with transaction.atomic():
            return services.save_draft(template_id=pk, by=operator_of(request), now=clock.now(), **form.cleaned_data)
    except IntegrityError:
        form.add_error("name", _("There is a template with this name already."))
    except DomainError as refusal:
        form.add_error("body", str(refusal))
    return None


def _shown(shown: tuple[str, str, str] | None) -> dict[str, Any]:
    if shown is None:
        return {}
    body, signature, tier = shown
    problems = validate(body)
    return {
        "problems": problems,
        "findings": findings(body=body),
        "lengths": [] if problems else lengths(body, signature, tier),
    }


@require_POST
@workplace("templates_sms.view_template")
def text_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Submit, approve or send back."""
    get_object_or_404(Template, pk=pk)
    facts = {"template_id": pk, "by": operator_of(request), "now": clock.now()}
    if action == "submit":
        need(request, "templates_sms.add_template")
        attempt(request, _("Template submitted."), services.submit, **facts)
    else:
        need(request, "templates_sms.approve_template")
        if action == "approve":
            attempt(request, _("Template approved."), services.approve, seen=seen_at(request), **facts)
        else:
            attempt(request, _("Template sent back."), services.reject, reason=request.POST.get("reason", ""), **facts)
    return redirect("text", pk=pk)
