"""Lists of this room that have no page in the admin, as files."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from coupons.models import CouponBatch, CouponKind, CouponTerms
from foundation.models import Operator
from foundation.services.export_lists import Column, ExportList, facts

NEWEST = ("title", "kind", "face_fen", "min_spend_fen")
KINDS = dict(CouponKind.choices)


def _batches(by: Operator, query: str, now: datetime) -> QuerySet[Any]:
    """All batches with their newest terms, by last change."""
    newest = CouponTerms.objects.filter(batch=OuterRef("pk")).order_by("-version")
    terms = {f"terms_{name}": Subquery(newest.values(name)[:1]) for name in NEWEST}
    return CouponBatch.objects.select_related("author", "approved_by").annotate(**terms).order_by("-changed_at", "-id")


def _yuan(title: Any, name: str) -> Column:
    def value(row: Any) -> Decimal | None:
        fen = getattr(row, name)
        return None if fen is None else Decimal(fen).scaleb(-2)

    return Column(title, value)


BATCHES = ExportList(
    "batches", _("Coupon batches"), ("coupons.view_couponbatch",),
    (
        *facts(CouponBatch, "name", "state"), Column(_("title"), lambda row: row.terms_title),
        Column(_("kind"), lambda row: KINDS.get(row.terms_kind, "")),
        _yuan(_("face value (yuan)"), "terms_face_fen"), _yuan(_("minimum spend (yuan)"), "terms_min_spend_fen"),
        *facts(CouponBatch, "planned_count", "issued_count", "per_member_limit"),
        _yuan(_("budget (yuan)"), "budget_fen"),
        *facts(CouponBatch, "author", "approved_by", "approved_at", "changed_at"),
    ),
    _batches,
)  # fmt: skip
