"""How a run is spread over time: who waits for how long after its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

GROUPED: Final = frozenset({"STORE", "REGION"})  # one wave for each group found in the audience
SHARED: Final = frozenset({"SPREAD", "SHARE"})  # as many waves as the campaign says
MINUTE: Final = timedelta(minutes=1)

Group = int | str | None


def offset(
    kind: str, *, count: int, minutes: int, member_id: int, group_rank: int = 0, room: timedelta | None = None
) -> timedelta:
    """
    How long after the start of the run a person's message may leave. The same person always gets the same answer.

    NONE: at once. SPREAD: any whole minute of `count * minutes`. SHARE: one of `count` shares of about the same
    size, `minutes` apart. STORE, REGION: the group with `group_rank` 0 first, each next one `minutes` later.
    `room` is the time until the run is given up: what would begin later joins what still fits in.
    """
    most = (room - MINUTE) // MINUTE if room is not None else None
    if kind == "SPREAD":
        span = max(count * minutes, 1) if most is None else max(min(count * minutes, most + 1), 1)
        return _lot(member_id) % span * MINUTE
    if kind == "SHARE":
        group_rank = _lot(member_id) % count
    elif kind not in GROUPED:
        return timedelta(0)
    if most is not None and minutes:
        group_rank = min(group_rank, max(most, 0) // minutes)
    return group_rank * minutes * MINUTE


def last_offset(kind: str, *, count: int, minutes: int, group_count: int = 1) -> timedelta:
    """The longest wait that `offset` gives to anybody; `group_count` is the number of groups of STORE and REGION."""
    if kind == "SPREAD":
        return max(count * minutes - 1, 0) * MINUTE
    return (wave_total(kind, count=count, minutes=minutes, group_count=group_count) - 1) * minutes * MINUTE


def wave_total(kind: str, *, count: int, minutes: int, group_count: int = 1) -> int:
    """In how many waves people leave, for estimates; of SPREAD each minute is one."""
    if kind == "SPREAD":
        return count * minutes
    if kind == "SHARE":
        return count
    return max(group_count, 1) if kind in GROUPED else 1


@dataclass(frozen=True)
class WavePlan:
    """
    The waves of one run. Waves count from `begins_at`; `ranks` holds store ids or cities in their order.

    Who has no store or city, or got one after the plan was made, comes last.
    """

    kind: str
    count: int
    minutes: int
    begins_at: datetime
    room: timedelta
    ranks: Mapping[Group, int] = field(default_factory=dict)

    def not_before(self, *, member_id: int, store_id: int | None, city: str) -> datetime | None:
        """The instant before which a person's message may not leave; None when there are no waves."""
        if self.kind == "NONE":
            return None
        group: Group = store_id if self.kind == "STORE" else city
        rank = self.ranks.get(group, max(self.ranks.values(), default=0))
        return self.begins_at + offset(
            self.kind, count=self.count, minutes=self.minutes, member_id=member_id, group_rank=rank, room=self.room
        )


def _lot(member_id: int) -> int:
    """A number as good as random that a person keeps for life, on any machine."""
    return int.from_bytes(blake2b(member_id.to_bytes(8, "big"), digest_size=8).digest(), "big")
