"""The template studio: a text in work with its lengths, wording and channels; review by somebody else."""

import re
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.workplaces.base import attempt, need, page, seen_at, workplace
from console.workplaces.text_picture import as_typed, insertable, picture
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from members.models import Segment
from templates_sms import services
from templates_sms.models import Signature, Template, TemplateState, Tier
from templates_sms.rules.merge_fields import written


class TextForm(forms.Form):
    """A text in work. `who` is only for looking: the members it is measured for."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), choices=Tier.choices, initial=Tier.MARKETING)
    signature = forms.ModelChoiceField(
        label=gettext_lazy("Signature"), queryset=Signature.objects.filter(is_active=True).order_by("id"),
        empty_label=None,
    )  # fmt: skip
    body = forms.CharField(
        label=gettext_lazy("Text"), max_length=1000, strip=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    who = forms.ModelChoiceField(
        label=gettext_lazy("Measured for"), queryset=Segment.objects.order_by("name"), required=False,
        empty_label=gettext_lazy("All members"),
    )  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """What is kept, the fields of the body by their own names."""
        data = self.cleaned_data
        return {one: data[one] for one in ("name", "tier", "signature")} | {"body": written(data["body"])}


@require_safe
@workplace("templates_sms.view_template")
def texts(request: HttpRequest) -> HttpResponse:
    """All templates."""
    rows = Template.objects.select_related("author", "signature").order_by("-changed_at")[:200]
    return page(request, "texts", _("Templates"), templates=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("templates_sms.view_template")
def text(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The studio: POST with `save` or `submit` keeps the text, without either it only looks again."""
    row = get_object_or_404(Template.objects.select_related("signature", "author"), pk=pk) if pk else None
    form = TextForm(_mended(_typed(request)), initial=_initial(row))
    if row is None or request.method == "POST":
        need(request, "templates_sms.add_template")
    if request.method == "POST":
        wants_more = "save" in request.POST or "submit" in request.POST
        if form.is_valid() and wants_more and (saved := _save(request, form, pk)) is not None:
            if "submit" in request.POST:
                _submit(request, saved.pk)
            return redirect("text", pk=saved.pk)
    return page(
        request, "text", row.name if row else _("New template"), form=form, template_row=row,
        seen=request.POST.get("seen") or (row.changed_at.isoformat() if row else ""), fields=insertable(),
        can_edit=_can_edit(request, row), can_decide=_can_decide(request, row), **_history(row), **_picture(form, row),
    )  # fmt: skip


@require_POST
@workplace("templates_sms.view_template")
def look(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The live parts of the studio for the text as typed; nothing is kept."""
    need(request, "templates_sms.add_template")
    row = get_object_or_404(Template.objects.select_related("author"), pk=pk) if pk else None
    return render(request, "console/_text_live.html", {"is_live": True, **_picture(TextForm(_typed(request)), row)})


@require_POST
@workplace("templates_sms.view_template")
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the text while it is typed: when it was kept, or in 409 and 422 why it was not."""
    need(request, "templates_sms.add_template")
    get_object_or_404(Template, pk=pk)
    form = TextForm(_typed(request))
    if not form.is_valid():
        return JsonResponse({"says": _("Not kept yet: the name or the text is missing.")}, status=422)
    saved = _save(request, form, pk)
    if saved is None:
        says = " ".join(str(one) for errors in form.errors.values() for one in errors)
        return JsonResponse({"says": says}, status=409)
    at = date_format(timezone.localtime(saved.changed_at), "H:i:s")
    return JsonResponse({"says": _("Kept at %(at)s") % {"at": at}, "seen": saved.changed_at.isoformat()})


def _typed(request: HttpRequest) -> QueryDict | None:
    """The form as sent, its line ends as one character each; None when nothing was sent."""
    if request.method != "POST":
        return None
    data = request.POST.copy()
    data["body"] = str(data.get("body", "")).replace("\r\n", "\n")
    return data


MEND = re.compile(r"(\d{1,4}):(\d{1,4}):(.{0,40})", re.DOTALL)


def _mended(data: QueryDict | None) -> QueryDict | None:
    """The same with the press on a mending button carried out, for browsers without a script."""
    if data is not None and (found := MEND.fullmatch(data.get("mend", ""))) is not None:
        body = str(data["body"])
        data["body"] = body[: int(found[1])] + found[3] + body[int(found[2]) :]
    return data


def _initial(row: Template | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {"name": row.name, "tier": row.tier, "signature": row.signature_id, "body": as_typed(row.body)}


def _history(row: Template | None) -> dict[str, Any]:
    if row is None:
        return {"reviews": [], "versions": []}
    return {
        "reviews": row.reviews.select_related("by").order_by("-id"),
        "versions": row.versions.select_related("approved_by").order_by("-number"),
    }


def _picture(form: TextForm, row: Template | None) -> dict[str, Any]:
    """The picture of whatever the form holds, also while it is not complete."""
    form.is_valid()
    data: dict[str, Any] = getattr(form, "cleaned_data", {}) if form.is_bound else {}
    signature = data.get("signature") or (row.signature if row else Signature.objects.filter(is_active=True).first())
    typed = form["body"].value() or ""
    newest = row.versions.order_by("-number").first() if row else None
    return picture(
        typed=typed[:1000], signature=signature.name if signature else "",
        tier=data.get("tier") or (row.tier if row else Tier.MARKETING), segment=data.get("who"),
        latest=newest, now=clock.now(),
    )  # fmt: skip


def _can_edit(request: HttpRequest, row: Template | None) -> bool:
    may = request.user.has_perm("templates_sms.add_template")
    return may and (row is None or row.state in services.OPEN_STATES)


def _can_decide(request: HttpRequest, row: Template | None) -> bool:
    submitted = row is not None and row.state == TemplateState.SUBMITTED and row.author_id != request.user.pk
    return submitted and request.user.has_perm("templates_sms.approve_template")


def _save(request: HttpRequest, form: TextForm, pk: int | None) -> Template | None:
    try:
        with transaction.atomic():
            return services.save_draft(
                template_id=pk, by=operator_of(request), now=clock.now(), seen=seen_at(request), **form.facts()
            )
    except IntegrityError:
        form.add_error("name", _("There is a template with this name already."))
    except DomainError as refusal:
        form.add_error("body", str(refusal))
    return None


def _submit(request: HttpRequest, pk: int) -> None:
    facts = {"template_id": pk, "by": operator_of(request), "now": clock.now()}
    attempt(request, _("Template submitted."), services.submit, **facts)


@require_POST
@workplace("templates_sms.view_template")
def text_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Submit, approve or send back."""
    get_object_or_404(Template, pk=pk)
    facts = {"template_id": pk, "by": operator_of(request), "now": clock.now()}
    if action == "submit":
        need(request, "templates_sms.add_template")
        _submit(request, pk)
    else:
        need(request, "templates_sms.approve_template")
        if action == "approve":
            attempt(request, _("Template approved."), services.approve, seen=seen_at(request), **facts)
        else:
            attempt(request, _("Template sent back."), services.reject, reason=request.POST.get("reason", ""), **facts)
    return redirect("text", pk=pk)
