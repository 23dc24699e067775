"""Planned against real: the lines of the sheet that was approved, beside those of the run, and who moved between."""

from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import Run
from campaigns.queries.audience import EXCLUSIONS
from campaigns.queries.results import left_out_of

RECEIVE, OUT = "", "OUT"
PLACES: dict[str, Any] = {RECEIVE: _("will receive it"), OUT: _("outside the segment"), **EXCLUSIONS}


@dataclass(frozen=True)
class Line:
    """
    One line of a sheet: its people when submitted and when fixed; from where they came, and where they went.

    planned + came - went = real. `came` and `went` count people by the code of the other line; those of a run whose
    moves are not known (`is_known` false) are empty.
    """

    code: str
    label: Any
    planned: int
    real: int
    came: dict[str, int] = field(default_factory=dict)
    went: dict[str, int] = field(default_factory=dict)
    is_known: bool = True

    @property
    def difference(self) -> int:
        """How many more there are in the end."""
        return self.real - self.planned


def explain(*, run: Run) -> list[Line]:
    """The lines of a run against its sheet: matched, each exclusion, those who receive it. Empty without a sheet."""
    if run.sheet is None:
        return []
    facts, real = run.sheet.facts, left_out_of(run=run)
    counts = {
        code: (facts["exclusions"].get(code, 0), real.get(code, 0))
        for code in EXCLUSIONS
        if code in facts["exclusions"] or code in real
    }
    receive = (facts["will_receive"], run.matched_count - sum(real.values()))
    outside = _line(run, OUT, facts["matched"], run.matched_count)
    # Who left the outside came into the segment, and the other way round.
    matched = replace(outside, label=_("Picked by the segment"), came=outside.went, went=outside.came)
    return [matched, *(_line(run, code, *pair) for code, pair in counts.items()), _line(run, RECEIVE, *receive)]


def _line(run: Run, code: str, planned: int, real: int) -> Line:
    came = {was: count for was, now, count in run.changes or [] if now == code}
    went = {now: count for was, now, count in run.changes or [] if was == code}
    return Line(code, PLACES[code], planned, real, came, went, is_known=run.changes is not None)
