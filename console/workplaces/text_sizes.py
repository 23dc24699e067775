"""How long a text gets for the members of a segment, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from campaigns.queries import link_widths
from delivery.queries.channels import widest_opt_out_words
from foundation.cache import kept
from members.models import Segment
from members.queries.names import NameWidth, name_widths
from templates_sms.models import Tier
from templates_sms.rules.merge_fields import MergeFieldMissing, fill, worst_case_values
from templates_sms.rules.parts import count_parts, full_text, length_units, split_parts

KEPT_SECONDS = 600  # names change by imports; reading a million of them takes a second or two
NOBODY = NameWidth(3, 0, 0, "张")


@dataclass(frozen=True)
class Frame:
    """What is around every text: 【signature】 and the widest opt-out words that a channel may add."""

    signature: str
    opt_out_words: str

    def around(self, body: str) -> str:
        """The whole text."""
        return full_text(signature=self.signature, body=body, opt_out_words=self.opt_out_words)


@dataclass(frozen=True)
class Sample:
    """A text as the member with one name reads it, cut where the parts end; `text` '' where it can't be filled."""

    key: str
    label: str
    name: str
    units: int
    pieces: list[str]

    @property
    def parts(self) -> int:
        """Parts that are billed."""
        return len(self.pieces)


@dataclass(frozen=True)
class Sizes:
    """A text over a segment. `by_parts` has the people of each number of parts; money is 1/10000 yuan."""

    samples: list[Sample]
    by_parts: dict[int, int]
    nameless: int
    price: int

    @property
    def people(self) -> int:
        """Whoever can be written to."""
        return sum(self.by_parts.values())

    @property
    def parts(self) -> int:
        """Parts in all."""
        return sum(parts * people for parts, people in self.by_parts.items())

    @property
    def cost(self) -> int:
        """What they cost at today's weights of the channels."""
        return self.parts * self.price

    @property
    def longer(self) -> int:
        """People whose text has more than one part."""
        return self.people - self.by_parts.get(1, 0)

    @property
    def extra_cost(self) -> int:
        """What it costs more than one part each."""
        return (self.parts - self.people) * self.price


def frame_of(*, signature: str, tier: str) -> Frame:
    """Signature and opt-out words of a text in work."""
    return Frame(signature, widest_opt_out_words() if tier == Tier.MARKETING else "")


def widths_of(*, segment: Segment | None, now: datetime) -> list[NameWidth]:
    """The names of a segment, of all members without one; kept for ten minutes."""
    key = f"name-widths:{segment.pk}:{segment.changed_at.timestamp()}" if segment else "name-widths:all"
    rule = segment.rule if segment else None
    return kept(key, lambda: name_widths(rule=rule, now=now), seconds=KEPT_SECONDS)


def sizes(*, body: str, frame: Frame, widths: Sequence[NameWidth], price: int) -> Sizes:
    """Shortest, typical and longest member, people by parts. A name that is missing takes the fallback."""
    values = worst_case_values(link_widths())
    by_parts: dict[int, int] = {}
    nameless = 0
    for width in widths:
        try:
            text = frame.around(fill(body, values | {"name": width.example if width.length else ""}))
        except MergeFieldMissing:
            nameless += width.people
            continue
        parts = count_parts(text)
        by_parts[parts] = by_parts.get(parts, 0) + width.people
    samples = [_sample(body, frame, values, *one) for one in _examples(widths)]
    return Sizes(samples, dict(sorted(by_parts.items())), nameless, price)


def _examples(widths: Sequence[NameWidth]) -> list[tuple[str, str, str]]:
    named = [one for one in widths if one.length] or [NOBODY]
    half, seen, typical = sum(one.people for one in named) / 2, 0, named[-1]
    for one in named:
        seen += one.people
        if seen >= half:
            typical = one
            break
    return [
        ("short", _("Shortest"), named[0].example),
        ("typical", _("Typical"), typical.example),
        ("long", _("Longest"), named[-1].example),
    ]


def _sample(body: str, frame: Frame, values: dict[str, str], key: str, label: str, name: str) -> Sample:
    text = frame.around(fill(body, values | {"name": name}))
    return Sample(key, label, name, length_units(text), split_parts(text))
