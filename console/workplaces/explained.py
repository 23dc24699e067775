"""Planned against real, in words."""

from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Run
from campaigns.queries import OUT, PLACES, Line, explain


def explained(run: Run) -> list[tuple[Line, str]]:
    """Each line of a run against the sheet that was approved, with why it differs."""
    return [(line, _why(line)) for line in explain(run=run)]


def _why(line: Line) -> str:
    if not line.is_known:
        return _("Who moved is not known any more.") if line.difference else ""
    if line.code == OUT:
        words = ((_("%(count)s newly in the segment"), line.came), (_("%(count)s no longer in it"), line.went))
        return " · ".join(text % {"count": f"{sum(moved.values()):,}"} for text, moved in words if moved)
    came, went = _("%(count)s from “%(place)s”"), _("%(count)s to “%(place)s”")
    return " · ".join([*_moves(came, line.came), *_moves(went, line.went)])


def _moves(text: str, moved: dict[str, Any]) -> list[str]:
    return [text % {"count": f"{count:,}", "place": PLACES[place]} for place, count in moved.items()]
