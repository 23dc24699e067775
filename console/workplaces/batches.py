"""Coupon batches: terms as a form, review by somebody else, figures."""

from datetime import datetime
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.workplaces.base import attempt, need, page, seen_at, workplace
from coupons.models import BatchState, Coupon, CouponBatch, CouponKind, CouponTerms, Redemption
from coupons.services import batches as services
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.money import MoneyRefused, format_fen, parse_yuan
from members.models import Store

LARGEST_FEN = 1_000_000_00


class YuanField(forms.CharField):
    """Yuan as people write them, fen as rows keep them. Empty is 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=16, **kwargs)

    def clean(self, value: Any) -> Any:
        """Fen, or a sentence why not."""
        text = super().clean(value)
        if not text:
            return 0
        try:
            fen = parse_yuan(text)
        except MoneyRefused as refused:
            raise forms.ValidationError(_("Write an amount in yuan, like 88.00.")) from refused
        if fen > LARGEST_FEN:
            raise forms.ValidationError(_("This amount is too large."))
        return fen

    def prepare_value(self, value: Any) -> Any:
        """Fen from a row as yuan; what a person typed stays as it is."""
        return format_fen(value) if isinstance(value, int) else value


class BatchForm(forms.Form):
    """A coupon and its conditions."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    title = forms.CharField(label=gettext_lazy("Title on the coupon"), max_length=40)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=CouponKind.choices)
    face_fen = YuanField(label=gettext_lazy("Face value (yuan)"))
    percent_off = forms.DecimalField(
        label=gettext_lazy("Percent off"), required=False, min_value=0, max_value=100, decimal_places=2
    )
    cap_fen = YuanField(label=gettext_lazy("At most (yuan)"))
    gift_name = forms.CharField(label=gettext_lazy("Gift (exchange coupon)"), required=False, max_length=80)
    min_spend_fen = YuanField(label=gettext_lazy("Minimum spend (yuan)"))
    planned_count = forms.IntegerField(label=gettext_lazy("At most how many"), min_value=1, max_value=50_000_000)
    per_member_limit = forms.IntegerField(label=gettext_lazy("Per member"), min_value=1, max_value=99, initial=1)
    valid_days = forms.IntegerField(
        label=gettext_lazy("Valid for days after issue"), required=False, min_value=1, max_value=730
    )
    valid_from = forms.DateTimeField(
        label=gettext_lazy("… or from"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    valid_until = forms.DateTimeField(
        label=gettext_lazy("until (no longer valid then)"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip
    stores = forms.CharField(
        label=gettext_lazy("Only in these stores (codes)"), required=False, max_length=20_000,
        help_text=gettext_lazy("Separated by commas or spaces; empty means all stores."),
    )  # fmt: skip
    text = forms.CharField(
        label=gettext_lazy("Terms in words"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    requires_amount = forms.BooleanField(
        label=gettext_lazy("The clerk enters the amount of the ticket"), required=False, initial=True
    )

    def clean_stores(self) -> list[Store]:
        """Codes into stores; an unknown one is named."""
        codes = sorted(set(self.cleaned_data["stores"].replace("，", ",").replace(",", " ").split()))
        found = list(Store.objects.filter(code__in=codes).order_by("code"))
        missing = set(codes) - {store.code for store in found}
        if missing:
            raise forms.ValidationError(_("Unknown stores: %(codes)s") % {"codes": ", ".join(sorted(missing)[:10])})
        return found

    def draft(self) -> services.TermsDraft:
        """The conditions as the service takes them."""
        data = self.cleaned_data
        return services.TermsDraft(
            title=data["title"], kind=data["kind"], face_fen=data["face_fen"],
            percent_off_bp=int((data["percent_off"] or 0) * 100), cap_fen=data["cap_fen"],
            gift_name=data["gift_name"], min_spend_fen=data["min_spend_fen"], valid_from=data["valid_from"],
            valid_until=data["valid_until"], valid_days=data["valid_days"], text=data["text"],
        )  # fmt: skip


@require_safe
@workplace("coupons.view_couponbatch")
def batches(request: HttpRequest) -> HttpResponse:
    """All batches."""
    rows = CouponBatch.objects.select_related("author").order_by("-changed_at")[:200]
    return page(request, "batches", _("Coupon batches"), batches=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("coupons.view_couponbatch")
def batch(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """One batch: its form while it is a draft, its figures afterwards."""
    row = get_object_or_404(CouponBatch.objects.select_related("author", "approved_by"), pk=pk) if pk else None
    terms = row.terms.order_by("-version").first() if row else None
    form = BatchForm(request.POST or None, initial=_initial(row, terms))
    if request.method == "POST":
        need(request, "coupons.add_couponbatch")
        if form.is_valid() and (saved := _save(request, form, pk)) is not None:
            return redirect("batch", pk=saved.pk)
    drafts = (BatchState.DRAFT, BatchState.REJECTED)
    may_edit = request.user.has_perm("coupons.add_couponbatch")
    return page(
        request, "batch", row.name if row else _("New coupon batch"), form=form, batch=row, terms=terms,
        can_edit=may_edit and (row is None or row.state in drafts), can_decide=_can_decide(request, row),
        can_steer=may_edit and row is not None and row.state in (BatchState.ACTIVE, BatchState.PAUSED),
        figures=_figures(row, clock.now()) if row else {},
    )  # fmt: skip


def _initial(row: CouponBatch | None, terms: CouponTerms | None) -> dict[str, Any]:
    if row is None or terms is None:
        return {}
    return {
        "name": row.name, "planned_count": row.planned_count, "per_member_limit": row.per_member_limit,
        "requires_amount": row.requires_amount, "title": terms.title, "kind": terms.kind,
        "face_fen": terms.face_fen, "percent_off": terms.percent_off_bp / 100, "cap_fen": terms.cap_fen,
        "gift_name": terms.gift_name, "min_spend_fen": terms.min_spend_fen, "valid_days": terms.valid_days,
        "valid_from": terms.valid_from, "valid_until": terms.valid_until, "text": terms.text,
        "stores": " ".join(terms.stores.order_by("code").values_list("code", flat=True)),
    }  # fmt: skip


def _can_decide(request: HttpRequest, row: CouponBatch | None) -> bool:
    submitted = row is not None and row.state == BatchState.SUBMITTED and row.author_id != request.user.pk
    return submitted and request.user.has_perm("coupons.approve_couponbatch")


def _save(request: HttpRequest, form: BatchForm, pk: int | None) -> CouponBatch | None:
    data = form.cleaned_data
    try:
        with transaction.atomic():
            return services.save_draft(
                batch_id=pk, name=data["name"], planned_count=data["planned_count"],
                per_member_limit=data["per_member_limit"], requires_amount=data["requires_amount"],
                draft=form.draft(), stores=data["stores"], by=operator_of(request), now=clock.now(),
            )  # fmt: skip
    except IntegrityError:
        form.add_error("name", _("There is a batch with this name already."))
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None


def _figures(row: CouponBatch, now: datetime) -> dict[str, int]:
    accepted = Q(state="ACCEPTED")
    used = Redemption.objects.filter(batch=row).aggregate(
        redeemed=Count("id", filter=accepted), saving_fen=Sum("discount_fen", filter=accepted)
    )
    opened = Coupon.objects.filter(batch=row, first_viewed_at__isnull=False).count()
    return {
        "issued": row.issued_count, "left": row.planned_count - row.issued_count, "opened": opened,
        "redeemed": used["redeemed"] or 0, "saving_fen": used["saving_fen"] or 0,
    }  # fmt: skip


@require_POST
@workplace("coupons.view_couponbatch")
def batch_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Submit, approve, send back, pause, resume, void."""
    get_object_or_404(CouponBatch, pk=pk)
    decisions = ("approve", "reject")
    need(request, "coupons.approve_couponbatch" if action in decisions else "coupons.add_couponbatch")
    done = {
        "submit": _("Batch submitted."), "approve": _("Batch approved."), "reject": _("Batch sent back."),
        "pause": _("Batch paused."), "resume": _("Batch goes on."), "void": _("Unused coupons are void."),
    }  # fmt: skip
    facts: dict[str, Any] = {"batch_id": pk, "by": operator_of(request), "now": clock.now()}
    if action in ("reject", "void"):
        facts["reason"] = request.POST.get("reason", "")
    if action == "approve":
        facts["seen"] = seen_at(request)
    attempt(request, done[action], getattr(services, action), **facts)
    return redirect("batch", pk=pk)
