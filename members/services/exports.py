"""Lists of this room that have no page in the admin, as files."""

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from foundation.services.export_lists import Column, ExportList, all_of, facts
from members.models import Segment
from members.queries.segment import sentence


def _sentence(row: Any) -> str:
    return sentence(row.rule, get_language() or "zh-hans")


SEGMENTS = ExportList(
    "segments", _("Segments"), ("members.view_segment",),
    (
        *facts(Segment, "name"), Column(_("rule"), _sentence),
        *facts(Segment, "note", "member_count", "counted_at", "created_by", "changed_at"),
    ),
    all_of(Segment, "-changed_at", "-id", related=("created_by",)),
)  # fmt: skip
