"""What a segment looks like before it is saved: how many, how many after each rule, of which kinds, and samples."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Func, IntegerField, Max, Min, Q, QuerySet, Value, When

from foundation.db import compose, fetch_dicts, patience
from members.models import Member
from members.queries.segment import condition, members_of
from members.rules.segment import BASE_FIELDS, Tree

Path = tuple[int, ...]

PATIENCE_MS = 5_000
MEMORY_MB = 128  # enough to keep a category's buyers of a million members in a hash
LOTS = 64  # an estimate looks at one member of so many
KINDS = ("city", "lifecycle", "level", "home_store_id")
SAMPLES = 20


@dataclass(frozen=True)
class Left:
    """Members that are left after a node of the tree, and those that it alone took away."""

    left: int
    gone: int


@dataclass(frozen=True)
class Picture:
    """
    `picked` of `total` members. `left` holds a figure for every node but the outermost, by place.

    `kinds` counts the picked by city, lifecycle, level and store id, the most first. An estimate multiplies what
    one member of 64 says.
    """

    picked: int
    total: int
    left: Mapping[Path, Left]
    kinds: Mapping[str, list[tuple[Any, int]]]
    is_estimate: bool


def picture_of(*, tree: Tree, now: datetime, milliseconds: int = PATIENCE_MS) -> Picture:
    """
    Count a tree in one pass over the members. Its rules are in normal form; its shape is kept.

    Raises TookTooLong.
    """
    return _picture(tree, Member.objects.present(), now, 1, milliseconds)


def estimate_of(*, tree: Tree, now: datetime, milliseconds: int = PATIENCE_MS) -> Picture:
    """The same from one member of 64, by chance. Raises TookTooLong."""
    # By a hash: what comes in turns, like stores in a file, may repeat itself in the numbers.
    mixed = Func("id", function="hashint8", output_field=IntegerField()).bitand(LOTS - 1)
    lot = Member.objects.present().alias(lot=mixed).filter(lot=random.randrange(LOTS))  # noqa: S311
    return _picture(tree, lot, now, LOTS, milliseconds)


def _picture(tree: Tree, people: QuerySet[Member], now: datetime, times: int, milliseconds: int) -> Picture:
    questions = _questions(tree, (), now)
    names = {path: f"c{number}" for number, path in enumerate(questions)}
    asked = {
        names[path]: Case(When(question, then=Value(True)), default=Value(False))
        for path, question in questions.items()
    }
    rows = people.order_by().annotate(**asked).values(*KINDS, *asked)
    steps = _steps(tree, (), names)
    sql = _statement(compose(*rows.query.sql_with_params()), _said(tree, (), names), list(steps.values()))
    with patience(milliseconds=milliseconds, memory_mb=MEMORY_MB):
        found = fetch_dicts(sql)
    return _read(found, steps, times)


def _questions(node: Tree, path: Path, now: datetime) -> dict[Path, Q]:
    """
    What each rule asks of a member. In a group of all, only of whom the plain rules before it have let through:
    a category costs a look at another table, and nothing behind a rule that failed is counted anyway.
    """
    found: dict[Path, Q] = {}
    passed = Q()
    for index, rule in enumerate(node["rules"]):
        place = (*path, index)
        if "rules" in rule:
            found |= _questions(rule, place, now)
            continue
        asked = condition(rule, now)
        found[place] = passed & asked
        if node["op"] == "all" and _is_plain(rule):
            passed &= asked
    return found


def _is_plain(rule: Tree) -> bool:
    """Whether the member's own row, or its store's, answers a rule."""
    spec = BASE_FIELDS.get(rule["field"])
    return spec is not None and spec.kind != "CATEGORY"


def _said(node: Tree, path: Path, names: Mapping[Path, str], until: int | None = None) -> str:
    """A node as a condition on the columns that hold its rules' answers; of a group the first `until` rules."""
    if "field" in node:
        return names[path]
    parts = [_said(rule, (*path, index), names) for index, rule in enumerate(node["rules"][:until])]
    joined = (" AND " if node["op"] == "all" else " OR ").join(parts)
    return f"NOT ({joined})" if node["op"] == "none" else f"({joined})"


@dataclass(frozen=True)
class _Step:
    """Who is left after a node, as a condition; `before` is the node that left them to it, None for everybody."""

    before: Path | None
    left: str


def _steps(
    node: Tree, path: Path, names: Mapping[Path, str], start: tuple[Path | None, str] = (None, "TRUE")
) -> dict[Path, _Step]:
    """
    The steps of all nodes under a group, the rules before each counted in.

    `start` is what the group begins with: in a group of all, who the rules before it left.
    """
    steps: dict[Path, _Step] = {}
    before = start
    for index, rule in enumerate(node["rules"]):
        place = (*path, index)
        if "rules" in rule:
            steps |= _steps(rule, place, names, before if node["op"] == "all" else start)
        left = f"{start[1]} AND {_said(node, path, names, index + 1)}"
        steps[place] = _Step(before[0], left)
        before = (place, left)
    return steps


def _statement(rows: str, picked: str, steps: list[_Step]) -> str:
    """
    One pass: each member's answers once (OFFSET 0 keeps them apart), then groups, then the sums of the groups.

    Reads members and what their rules name, locks nothing.
    """
    kinds = ", ".join(KINDS)
    columns = [f"count(*) FILTER (WHERE {step.left}) AS left{n}" for n, step in enumerate(steps)]
    sums = [f"sum(left{n})::bigint AS left{n}" for n, _step in enumerate(steps)]
    return f"""
        SELECT GROUPING({kinds}) AS missing, {kinds}, sum(total)::bigint AS total, sum(picked)::bigint AS picked,
               {", ".join(sums)}
          FROM (SELECT {kinds}, count(*) AS total, count(*) FILTER (WHERE {picked}) AS picked, {", ".join(columns)}
                  FROM ({rows} OFFSET 0) AS answered GROUP BY {kinds}) AS grouped
         GROUP BY GROUPING SETS ((), {", ".join(f"({kind})" for kind in KINDS)})
    """


def _read(found: list[dict[str, Any]], steps: Mapping[Path, _Step], times: int) -> Picture:
    """The row of all, and the rows of each kind: GROUPING has a bit for each column that a row does not speak of."""
    everything = (1 << len(KINDS)) - 1
    by_missing: dict[int, list[dict[str, Any]]] = {}
    for row in found:
        by_missing.setdefault(row["missing"], []).append(row)
    totals = {name: (value or 0) * times for name, value in by_missing[everything][0].items() if name not in KINDS}
    after: dict[Path | None, int] = {None: totals["total"]}
    after |= {place: totals[f"left{number}"] for number, place in enumerate(steps)}
    kinds = {}
    for bit, kind in enumerate(reversed(KINDS)):
        rows = by_missing.get(everything - (1 << bit), [])
        counted = [(row[kind], row["picked"] * times) for row in rows if row["picked"]]
        kinds[kind] = sorted(counted, key=lambda one: -one[1])
    left = {place: Left(after[place], after[step.before] - after[place]) for place, step in steps.items()}
    return Picture(totals["picked"], totals["total"], left, kinds, times > 1)


def samples(*, rule: Tree, now: datetime, draw: int = 0, milliseconds: int = PATIENCE_MS) -> list[Member]:
    """
    Up to twenty of the members picked, from a place in the middle on and round; `draw` names the place.

    Raises TookTooLong.
    """
    with patience(milliseconds=milliseconds, memory_mb=MEMORY_MB):
        ends = Member.objects.aggregate(first=Min("id"), last=Max("id"))
        first, last = ends["first"] or 0, ends["last"] or 0
        start = random.Random(draw).randint(first, last)  # noqa: S311  a stable page, not a secret
        picked = members_of(rule=rule, now=now).select_related("home_store").order_by("id")
        found = list(picked.filter(id__gte=start)[:SAMPLES])
        if len(found) < SAMPLES:
            found += picked.filter(id__lt=start)[: SAMPLES - len(found)]
    return found
