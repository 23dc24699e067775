"""What the template studio shows of a text in work: verdict, marks, lengths, channels, changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language, gettext_lazy

from console.workplaces.text_channels import carrying
from console.workplaces.text_sizes import Frame, Sizes, frame_of, sizes, widths_of
from delivery.queries.channels import price_of_part
from members.models import Segment
from members.queries.names import NameWidth
from templates_sms.models import TemplateVersion
from templates_sms.queries import findings
from templates_sms.rules.marking import Piece, compare, marked, repaired
from templates_sms.rules.merge_fields import FIELDS_WITH_FALLBACK, SPOKEN, Problem, spoken, validate, written
from templates_sms.rules.parts import JOINED_UNITS, SINGLE_UNITS
from templates_sms.rules.wording import Finding

PROBLEM_WORDS = {
    "EMPTY_BODY": gettext_lazy("There is no text yet."),
    "LINE_BREAK": gettext_lazy("A line break: carriers take one line only."),
    "INVISIBLE_CHARACTER": gettext_lazy("A character that no phone shows: %(detail)s"),
    "UNCLOSED_BRACE": gettext_lazy("A brace without its partner: %(detail)s"),
    "UNKNOWN_FIELD": gettext_lazy("There is no field “%(detail)s”."),
    "FALLBACK_NOT_ALLOWED": gettext_lazy("“%(detail)s” is there for everybody; it needs no other word."),
    "FALLBACK_EMPTY": gettext_lazy("“%(detail)s” has an empty word for those who lack it."),
}
FALLBACK = "会员"


@dataclass(frozen=True)
class Choice:
    """One way to mend: what comes in its place, and the typical member's text then; `parts` 0 when it is broken."""

    wording: str
    units: int
    parts: int


@dataclass(frozen=True)
class Mend:
    """A finding with its number, and the ways to mend it."""

    finding: Finding
    number: int
    choices: list[Choice]


@dataclass(frozen=True)
class Ruler:
    """Measures any body for the same people."""

    frame: Frame
    widths: list[NameWidth]
    price: int

    def __call__(self, typed: str) -> Sizes | None:
        """The sizes of a text as typed; None for one that can't be filled."""
        body = written(typed)
        if validate(body):
            return None
        return sizes(body=body, frame=self.frame, widths=self.widths, price=self.price)


def is_chinese() -> bool:
    """Whether fields are shown by their Chinese names."""
    return (get_language() or "zh").startswith("zh")


def as_typed(body: str) -> str:
    """A kept body as the editor shows it."""
    return spoken(body) if is_chinese() else body


def insertable() -> list[tuple[str, str]]:
    """What can be put into a text: its name and what is written."""
    found = []
    for field, word in SPOKEN.items():
        name = word if is_chinese() else field
        found.append((name, f"{{{name}|{FALLBACK}}}" if field in FIELDS_WITH_FALLBACK else f"{{{name}}}"))
    return found


def picture(
    *, typed: str, signature: str, tier: str, segment: Segment | None, latest: TemplateVersion | None, now: datetime
) -> dict[str, Any]:
    """All that depends on the text as typed, for the live parts of the page. Reads, changes nothing."""
    body, found = written(typed), findings(body=typed)
    problems = validate(body)
    frame = frame_of(signature=signature, tier=tier)
    measure = Ruler(frame, widths_of(segment=segment, now=now), price_of_part())
    sized, then = measure(typed), measure(repaired(typed, found)) if found else None
    return {
        "frame": frame, "pieces": _chips(marked(typed, found)), "problems": [_words(one) for one in problems],
        "mends": [_mend(typed, number, one, measure) for number, one in enumerate(found)],
        "forbidden": len(problems) + sum(one.is_forbidden for one in found),
        "risky": sum(not one.is_forbidden for one in found),
        "sizes": sized, "then": then, "rows": _rows(sized, then), "channels": _channels(sized, tier),
        "latest": latest, "changes": compare(as_typed(latest.body), as_typed(body)) if latest else [],
        "single": SINGLE_UNITS, "joined": JOINED_UNITS,
    }  # fmt: skip


def _words(problem: Problem) -> str:
    return str(PROBLEM_WORDS[problem.code]) % {"detail": problem.detail}


def _chips(pieces: list[Piece]) -> list[Piece]:
    """Fields by the names that the editor shows."""
    return [
        Piece("FIELD", SPOKEN.get(one.text, one.text) if is_chinese() else one.text, one.fallback)
        if one.kind == "FIELD" else one
        for one in pieces
    ]  # fmt: skip


def _mend(typed: str, number: int, finding: Finding, measure: Ruler) -> Mend:
    choices = []
    for wording in dict.fromkeys((finding.substitute, "")):
        sized = measure(typed[: finding.start] + wording + typed[finding.end :])
        typical = sized.samples[1] if sized else None
        choices.append(Choice(wording, typical.units if typical else 0, typical.parts if typical else 0))
    return Mend(finding, number, choices)


def _rows(now_sized: Sizes | None, then_sized: Sizes | None) -> list[dict[str, Any]]:
    """People by number of parts, now and mended."""
    if now_sized is None:
        return []
    then = then_sized.by_parts if then_sized else {}
    numbers = sorted(set(now_sized.by_parts) | set(then))
    return [{"parts": one, "now": now_sized.by_parts.get(one, 0), "then": then.get(one, 0)} for one in numbers]


def _channels(sized: Sizes | None, tier: str) -> list[Any]:
    longest = max((one.units for one in sized.samples), default=0) if sized else 0
    return carrying(tier=tier, units=longest, cost=sized.cost if sized else 0)
