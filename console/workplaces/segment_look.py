"""The figures of a segment as its page shows them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.db import TookTooLong
from members.models import Lifecycle, Member, Store
from members.queries import segment as segments_query
from members.queries.segment_picture import Picture, estimate_of, picture_of, samples
from members.rules.segment import Tree

TOP_STORES = 6
ESTIMATE_MS = 2_000
ROUNDED_DIGITS = 3


@dataclass(frozen=True)
class Part:
    """One kind of the picked; `label` as people call it."""

    label: Any
    count: int


@dataclass(frozen=True)
class Kinds:
    """The picked by one quality, the most first; `rest` are those of kinds that are not shown."""

    title: Any
    parts: list[Part]
    rest: int

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((part.count for part in self.parts), default=0)


@dataclass
class Look:
    """What a tree comes to at `at`; without a picture when it has a fault or took too long."""

    at: datetime
    picture: Picture | None = None
    seconds: str = ""
    sentence: str = ""
    kinds: list[Kinds] = field(default_factory=list)
    samples: list[Member] | None = None
    next_draw: int = 1
    is_too_slow: bool = False

    @property
    def about(self) -> int:
        """An estimate with as many digits as it is worth."""
        picked = self.picture.picked if self.picture else 0
        unit = 10 ** max(len(str(picked)) - ROUNDED_DIGITS, 0)
        return round(picked / unit) * unit


def look_at(tree: Tree | None, *, now: datetime, draw: int = 0) -> Look:
    """Count, sentence, kinds and samples of a tree; an estimate when the count takes too long."""
    look = Look(now, next_draw=draw + 1)
    if tree is None:
        return look
    started = time.perf_counter()
    look.sentence = segments_query.sentence(tree, get_language() or "zh-hans")
    try:
        look.picture = _counted(tree, now)
    except TookTooLong:
        look.is_too_slow = True
        return look
    look.kinds = _kinds(look.picture)
    look.samples = _samples(tree, now, draw)
    look.seconds = f"{time.perf_counter() - started:.1f}"
    return look


def _counted(tree: Tree, now: datetime) -> Picture:
    """Raises TookTooLong when not even the estimate comes in time."""
    try:
        return picture_of(tree=tree, now=now)
    except TookTooLong:
        return estimate_of(tree=tree, now=now, milliseconds=ESTIMATE_MS)


def _samples(tree: Tree, now: datetime, draw: int) -> list[Member] | None:
    try:
        return samples(rule=tree, now=now, draw=draw, milliseconds=ESTIMATE_MS)
    except TookTooLong:
        return None


def _kinds(picture: Picture) -> list[Kinds]:
    """By city, by lifecycle, by level where the chain has levels, by store."""
    stages = dict(Lifecycle.choices)
    counted = picture.kinds
    stores = Store.objects.in_bulk([pk for pk, _count in counted["home_store_id"][:TOP_STORES] if pk is not None])
    kinds = [
        _kind(_("By city"), [(city or _("no city"), count) for city, count in counted["city"]]),
        _kind(_("By lifecycle"), [(stages.get(stage, stage), count) for stage, count in counted["lifecycle"]]),
    ]
    if any(level for level, _count in counted["level"]):
        kinds.append(_kind(_("By level"), [(level or _("no level"), count) for level, count in counted["level"]]))
    named = [
        (stores[pk].name if pk in stores else _("no store"), count) for pk, count in counted["home_store_id"]
    ]  # fmt: skip
    kinds.append(_kind(_("By store"), named))
    return kinds


def _kind(title: Any, counted: Sequence[tuple[Any, int]]) -> Kinds:
    shown = [Part(label, count) for label, count in counted[:TOP_STORES]]
    return Kinds(title, shown, sum(count for _label, count in counted[TOP_STORES:]))
