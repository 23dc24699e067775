"""Why somebody is in a segment or is not, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.models import Operator
from foundation.phone import PhoneRefused, parse_mobile
from foundation.services import audit
from foundation.services.phones import hash_phone
from members.models import Member
from members.queries import segment as segments_query
from members.queries.segment_person import Verdict, people_of, verdicts_of
from members.rules.segment import Tree


@dataclass(frozen=True)
class Line:
    """
    One rule for one person. `mark` is "ok", "bad" for what keeps the person out, "off" for what does not matter.

    `fact` is what the person is to the rule, "" when it holds or nobody knows.
    """

    mark: str
    words: str
    fact: str
    depth: int


@dataclass(frozen=True)
class Answer:
    """One person: whether the segment picks them, and each rule's line."""

    member: Member
    is_in: bool
    lines: list[Line]


def why(*, text: str, tree: Tree, subject: str, by: Operator, now: datetime) -> list[Answer]:
    """
    The answers for everybody with this phone or card number.

    Leaves an audit entry that names the members found, never what was typed.
    """
    people = _people(text)
    audit.record(
        action="segment.person_asked", subject=subject, by=by, now=now, member_ids=[one.pk for one in people]
    )  # fmt: skip
    verdicts = verdicts_of(people=people, tree=tree, now=now)
    return [
        Answer(member, verdict.holds, list(_lines(verdict, guilty=not verdict.holds)))
        for member, verdict in zip(people, verdicts, strict=True)
    ]


def _people(text: str) -> Sequence[Member]:
    """By phone, else by card number: some cards look like phones."""
    try:
        found = people_of(phone_hash=hash_phone(parse_mobile(text)))
    except PhoneRefused:
        found = []
    return found or (people_of(card_no=text) if text.isprintable() else [])


def _lines(verdict: Verdict, *, guilty: bool, depth: int = 0) -> Iterator[Line]:
    """The lines of a group's rules; `guilty` when the group is what keeps the person out."""
    for rule in verdict.rules:
        is_guilty = guilty and not rule.is_wanted
        mark = "ok" if rule.is_wanted else "bad" if is_guilty else "off"
        if rule.rules:
            yield Line(mark, _group_words(rule.node["op"], denied=rule.is_wanted != rule.holds), "", depth)
            yield from _lines(rule, guilty=is_guilty, depth=depth + 1)
        else:
            yield _leaf_line(rule, mark, depth)


def _leaf_line(rule: Verdict, mark: str, depth: int) -> Line:
    language = get_language() or "zh-hans"
    words = segments_query.rule_words(rule.node, language)
    if rule.is_wanted != rule.holds:
        words = _("not: %(rule)s") % {"rule": words}
    knows = segments_query.fields()[rule.node["field"]].fact is not None
    fact = segments_query.fact_words(rule.node, rule.fact, language) if knows and mark != "ok" else ""
    return Line(mark, words, fact, depth)


def _group_words(op: str, *, denied: bool) -> str:
    words: dict[str, Any] = {
        "all": _("all of these hold"),
        "any": _("at least one of these holds"),
        "none": _("none of these holds"),
    }
    return _("not: %(rule)s") % {"rule": words[op]} if denied else str(words[op])
