"""Coupon batches: terms as a form, review by somebody else, figures."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.workplaces.base import attempt, need, page, seen_at, workplace
from console.workplaces.batch_page import figures_context
from coupons.models import BatchState, BatchVoid, CouponBatch, CouponKind, CouponTerms
from coupons.services import batches as services
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.money import MoneyRefused, format_fen, parse_yuan
from members.models import Store

LARGEST_FEN = 1_000_000_00
STORES = 10  # named on the page
LARGEST_BUDGET_FEN = 10_000_000_000_00
BEFORE = (BatchState.DRAFT, BatchState.SUBMITTED, BatchState.REJECTED)  # nothing was issued yet


class YuanField(forms.CharField):
    """Yuan as people write them, fen as rows keep them, up to `largest_fen`. Empty is 0."""

    def __init__(self, *, largest_fen: int = LARGEST_FEN, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=20, **kwargs)
        self.largest_fen = largest_fen

    def clean(self, value: Any) -> Any:
        """Fen, or a sentence why not."""
        text = super().clean(value)
        if not text:
            return 0
        try:
            fen = parse_yuan(text)
        except MoneyRefused as refused:
            raise forms.ValidationError(_("Write an amount in yuan, like 88.00.")) from refused
        if fen > self.largest_fen:
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
    budget_fen = YuanField(
        label=gettext_lazy("Budget for savings (yuan)"), largest_fen=LARGEST_BUDGET_FEN,
        help_text=gettext_lazy("A line to watch, nothing stops at it; empty means none."),
    )  # fmt: skip
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
    if row is None or request.method == "POST":
        need(request, "coupons.add_couponbatch")
    if request.method == "POST" and form.is_valid() and (saved := _save(request, form, pk)) is not None:
        return redirect("batch", pk=saved.pk)
    drafts = (BatchState.DRAFT, BatchState.REJECTED)
    may_edit = request.user.has_perm("coupons.add_couponbatch")
    return page(
        request, "batch", row.name if row else _("New coupon batch"), form=form, batch=row, terms=terms,
        can_edit=may_edit and (row is None or row.state in drafts), can_decide=_can_decide(request, row),
        can_steer=may_edit and row is not None and row.state in services.VOIDABLE,
        **_stores(terms),
        **(figures_context(request, row, terms, now=clock.now()) if row and terms and row.state not in BEFORE else {}),
    )  # fmt: skip


def _stores(terms: CouponTerms | None) -> dict[str, Any]:
    """Where the coupon may be used: the first few, and how many more."""
    found = list(terms.stores.order_by("code")) if terms else []
    return {"stores": found[:STORES], "stores_more": len(found[STORES:])}


def _initial(row: CouponBatch | None, terms: CouponTerms | None) -> dict[str, Any]:
    if row is None or terms is None:
        return {}
    return {
        "name": row.name, "planned_count": row.planned_count, "per_member_limit": row.per_member_limit,
        "budget_fen": row.budget_fen, "requires_amount": row.requires_amount, "title": terms.title, "kind": terms.kind,
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
                budget_fen=data["budget_fen"],
            )  # fmt: skip
    except IntegrityError:
        form.add_error("name", _("There is a batch with this name already."))
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None


@require_POST
@workplace("coupons.view_couponbatch")
def batch_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Submit, approve, send back, pause, resume; ask for all unused coupons to become void."""
    get_object_or_404(CouponBatch, pk=pk)
    decisions = ("approve", "reject")
    need(request, "coupons.approve_couponbatch" if action in decisions else "coupons.add_couponbatch")
    steps: dict[str, tuple[str, Callable[..., Any]]] = {
        "submit": (_("Batch submitted."), services.submit), "approve": (_("Batch approved."), services.approve),
        "reject": (_("Batch sent back."), services.reject), "pause": (_("Batch paused."), services.pause),
        "resume": (_("Batch goes on."), services.resume),
        "void": (_("Asked for. A colleague has to confirm it."), services.ask_void),
    }  # fmt: skip
    done, call = steps[action]
    facts: dict[str, Any] = {"batch_id": pk, "by": operator_of(request), "now": clock.now()}
    if action in ("reject", "void"):
        facts["reason"] = request.POST.get("reason", "")
    if action == "approve":
        facts["seen"] = seen_at(request)
    attempt(request, done, call, **facts)
    return redirect("batch", pk=pk)


@require_POST
@workplace("coupons.approve_couponbatch")
def decide_batch_void(request: HttpRequest, pk: str, action: str) -> HttpResponse:
    """Confirm or refuse the voiding that a colleague has asked for."""
    get_object_or_404(BatchVoid, pk=int(pk))
    is_confirmed = action == "confirm"
    attempt(
        request, _("Unused coupons are void.") if is_confirmed else _("Refused; nothing becomes void."),
        services.decide_void, batch_id=int(pk), is_confirmed=is_confirmed, by=operator_of(request), now=clock.now(),
    )  # fmt: skip
    return redirect("batch", pk=pk)
