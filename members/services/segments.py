"""Saving segments."""

from datetime import datetime

from foundation.models import Operator
from members.models import Segment
from members.queries.segment import count, normal_rule
from members.rules.segment import Tree


def save_segment(*, segment_id: int | None, name: str, rule: Tree, by: Operator, now: datetime) -> Segment:
    """
    Make a segment or change it; the rule is kept in normal form with its count as of now.

    Raises SegmentRefused, IntegrityError for a name that is taken.
    """
    normal = normal_rule(rule)
    facts = {
        "name": name,
        "rule": normal,
        "member_count": count(rule=normal, now=now),
        "counted_at": now,
        "changed_at": now,
    }
    if segment_id is None:
        return Segment.objects.create(created_by=by, **facts)
    Segment.objects.filter(pk=segment_id).update(**facts)
    return Segment.objects.get(pk=segment_id)
