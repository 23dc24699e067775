"""Segments: a plain form over the rule tree, with count, sentence and samples."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from console.workplaces.base import need, page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.money import MoneyRefused, format_fen, parse_yuan
from members.models import CategoryPurchase, Lifecycle, Member, Segment
from members.queries import segment as segments_query
from members.rules.segment import SegmentRefused
from members.services.segments import save_segment

PERMISSION = "members.view_segment"


class SegmentForm(forms.Form):
    """All conditions that are filled in must hold; nested groups go into the rule field."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    city = forms.MultipleChoiceField(label=gettext_lazy("City"), required=False)
    lifecycle = forms.MultipleChoiceField(label=gettext_lazy("Lifecycle"), required=False, choices=Lifecycle.choices)
    dormant_days = forms.IntegerField(
        label=gettext_lazy("Last purchase more than … days ago"), required=False, min_value=1, max_value=3650
    )
    recent_days = forms.IntegerField(
        label=gettext_lazy("Last purchase less than … days ago"), required=False, min_value=1, max_value=3650
    )
    category = forms.ChoiceField(label=gettext_lazy("Bought category"), required=False)
    category_days = forms.IntegerField(label=gettext_lazy("… within days"), required=False, min_value=1, max_value=3650)
    min_count = forms.IntegerField(label=gettext_lazy("Purchases at least"), required=False, min_value=0)
    min_spend = forms.CharField(label=gettext_lazy("Spend at least (yuan)"), required=False, max_length=20)
    home_store = forms.CharField(
        label=gettext_lazy("Home store codes"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Separated by commas or spaces."),
    )
    rule = forms.CharField(
        label=gettext_lazy("Rule as JSON"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("For nested groups. When it is filled in, the fields above are not used."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cities = Member.objects.exclude(city="").order_by("city").values_list("city", flat=True).distinct()
        names = CategoryPurchase.objects.order_by("category").values_list("category", flat=True).distinct()
        self.fields["city"].choices = [(city, city) for city in cities]  # type: ignore[attr-defined]
        self.fields["category"].choices = [("", "—"), *((name, name) for name in names)]  # type: ignore[attr-defined]

    def clean_min_spend(self) -> int | None:
        """Yuan into fen."""
        text: str = self.cleaned_data["min_spend"]
        if not text:
            return None
        try:
            return parse_yuan(text)
        except MoneyRefused as refused:
            raise forms.ValidationError(_("Write an amount in yuan, like 88.00.")) from refused

    def clean(self) -> dict[str, Any]:
        """The rule tree in normal form, under `tree`."""
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            data["tree"] = segments_query.normal_rule(self._tree(data))
        except SegmentRefused as refused:
            self.add_error(
                "rule" if data.get("rule") else None, _("This rule can't be used: %(why)s") % {"why": refused}
            )
        return data

    def _tree(self, data: dict[str, Any]) -> Any:
        if data["rule"]:
            try:
                return json.loads(data["rule"])
            except ValueError:
                self.add_error("rule", _("This is not JSON."))
                return {"field": "purchase_count", "op": "at_least", "value": 0}
        return {"op": "all", "rules": _rules(data) or [{"field": "purchase_count", "op": "at_least", "value": 0}]}


def _rules(data: dict[str, Any]) -> list[dict[str, Any]]:
    category = {"category": data["category"], "within_days": data["category_days"]}
    codes = [code for code in data["home_store"].replace("，", ",").replace(",", " ").split() if code]
    wanted = [
        ("city", "in", data["city"]),
        ("home_store", "in", codes),
        ("lifecycle", "in", data["lifecycle"]),
        ("last_purchase_days", "more_than", data["dormant_days"]),
        ("last_purchase_days", "less_than", data["recent_days"]),
        ("category", "bought", category if data["category"] else None),
        ("purchase_count", "at_least", data["min_count"]),
        ("spend_fen", "at_least", data["min_spend"]),
    ]
    return [{"field": name, "op": op, "value": value} for name, op, value in wanted if value not in (None, "", [])]


@require_safe
@workplace(PERMISSION)
def segments(request: HttpRequest) -> HttpResponse:
    """All segments with their sentence."""
    rows = [
        (one, segments_query.sentence(one.rule, get_language() or "zh-hans"))
        for one in Segment.objects.select_related("created_by").order_by("-changed_at")[:200]
    ]
    return page(request, "segments", _("Segments"), segments=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("members.view_segment")
def segment(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a segment; "count" shows what it picks without saving."""
    row = get_object_or_404(Segment, pk=pk) if pk else None
    form = SegmentForm(request.POST or None, initial=_initial(row))
    tree = row.rule if row else None
    if request.method == "POST":
        need(request, "members.add_segment")
        if form.is_valid():
            tree = form.cleaned_data["tree"]
            if "save" in request.POST and (saved := _save(request, form, pk, tree)) is not None:
                return redirect("segment", pk=saved.pk)
    return page(request, "segment", row.name if row else _("New segment"), form=form, segment=row, **_shown(tree))


def _initial(row: Segment | None) -> dict[str, Any]:
    """The form of a saved segment: its fields when they can say the rule, else the rule itself."""
    if row is None:
        return {}
    fields = _fields_of(row.rule)
    if fields is not None:
        return {"name": row.name, **fields}
    return {"name": row.name, "rule": json.dumps(row.rule, ensure_ascii=False, indent=1)}


FIELD_OF = {
    ("city", "in"): "city", ("home_store", "in"): "home_store", ("lifecycle", "in"): "lifecycle",
    ("last_purchase_days", "more_than"): "dormant_days", ("last_purchase_days", "less_than"): "recent_days",
    ("category", "bought"): "category", ("purchase_count", "at_least"): "min_count",
    ("spend_fen", "at_least"): "min_spend",
}  # fmt: skip


def _fields_of(rule: Any) -> dict[str, Any] | None:
    """The rule as values of the plain fields; None when it says more than they can."""
    found: dict[str, Any] = {}
    for leaf in rule["rules"]:
        name = FIELD_OF.get((leaf.get("field"), leaf.get("op")))
        if rule["op"] != "all" or name is None or name in found:
            return None
        found[name] = leaf["value"]
    if "category" in found:
        found |= {"category": found["category"]["category"], "category_days": found["category"]["within_days"]}
    if "home_store" in found:
        found["home_store"] = ", ".join(found["home_store"])
    if "min_spend" in found:
        found["min_spend"] = format_fen(found["min_spend"]).replace(",", "")
    return found


def _save(request: HttpRequest, form: SegmentForm, pk: int | None, tree: Any) -> Segment | None:
    try:
        with transaction.atomic():
            saved = save_segment(
                segment_id=pk, name=form.cleaned_data["name"], rule=tree, by=operator_of(request), now=clock.now()
            )
    except IntegrityError:
        form.add_error("name", _("There is a segment with this name already."))
        return None
    messages.success(request, _("Segment saved."))
    return saved


def _shown(tree: Any) -> dict[str, Any]:
    if tree is None:
        return {"sentence": None}
    now = clock.now()
    return {
        "sentence": segments_query.sentence(tree, get_language() or "zh-hans"),
        "count": segments_query.count(rule=tree, now=now),
        "total": Member.objects.count(),
        "samples": segments_query.samples(rule=tree, now=now),
    }
