"""How long the names of a segment are: all that makes one member's text longer than another's."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Func, IntegerField, Min
from django.db.models.functions import Left, Length

from members.models import Member
from members.queries.segment import members_of
from members.rules.segment import Tree

# SQL: how many characters of a text lie above U+FFFF. Their first byte tells, five times faster than a pattern.
WIDE = (
    "CASE WHEN position('\\xf0'::bytea IN convert_to(%(expressions)s, 'UTF8')) = 0 THEN 0 "
    "ELSE char_length(regexp_replace(%(expressions)s, '[\\U00000001-\\U0000FFFF]', '', 'g')) END"
)


@dataclass(frozen=True, slots=True)
class NameWidth:
    """Members whose names have one width; `wide` of the `length` characters lie above U+FFFF."""

    length: int
    wide: int
    people: int
    surname: str

    @property
    def example(self) -> str:
        """A name of this width that is nobody's: a real first character, 某 for the others."""
        plain = self.length - self.wide
        if not plain:
            return "𠮷" * self.wide
        return self.surname + "某" * (plain - 1) + "𠮷" * self.wide


def name_widths(*, rule: Tree | None, now: datetime) -> list[NameWidth]:
    """The widths of a segment's names, narrowest first; no name is a width of its own. `rule` None is everybody."""
    members = Member.objects.present() if rule is None else members_of(rule=rule, now=now)
    rows = (
        members.order_by()
        .annotate(length=Length("name"), wide=Func(F("name"), template=WIDE, output_field=IntegerField()))
        .values("length", "wide")
        .annotate(people=Count("id"), surname=Min(Left("name", 1)))
    )
    found = [NameWidth(**row) for row in rows]
    return sorted(found, key=lambda one: one.length + one.wide)
