"""The newest look at a campaign's preflight sheet: kept, so that a page of a million people opens at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from campaigns.models import Campaign
from campaigns.queries.audience import EXCLUSIONS
from campaigns.queries.conflicts import Neighbour
from campaigns.queries.sheet import Preflight

OLD_AFTER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Look:
    """A sheet, when it was made and how long that took."""

    sheet: Preflight
    made_at: datetime
    milliseconds: int

    def is_old(self, *, now: datetime) -> bool:
        """Whether people come and go too long since then to decide by it."""
        return now - self.made_at > OLD_AFTER

    @property
    def seconds(self) -> str:
        """How long it took, with one digit."""
        return f"{self.milliseconds / 1000:.1f}"


def kept_look(*, campaign: Campaign) -> Look | None:
    """The look that is kept of a campaign; None when there is none of what campaign and segment are now."""
    kept = campaign.look
    if kept is None or campaign.segment.changed_at > kept.made_at:
        return None
    facts = kept.facts
    if facts["content"] != content_of(campaign):
        return None
    return Look(_sheet_of(facts), kept.made_at, facts["milliseconds"])


def content_of(campaign: Campaign) -> list[str]:
    """What a look is of: the campaign since its last change, and the occurrence it speaks of."""
    planned_at = campaign.next_at or campaign.scheduled_at
    return [campaign.changed_at.isoformat(), planned_at.isoformat()]


def _sheet_of(facts: dict[str, Any]) -> Preflight:
    whole = {name: facts[name] for name in ("matched", "will_receive", "part_count", "cost", "parts_per_second",
                                            "coupons_left", "exposure_fen", "nameless", "wave_count")}  # fmt: skip
    return Preflight(
        **whole, first_at=_instant(facts["first_at"]), last_wave_at=_instant(facts["last_wave_at"]),
        last_at=_instant(facts["last_at"]), planned_at=datetime.fromisoformat(facts["planned_at"]),
        at=datetime.fromisoformat(facts["at"]), given_up_at=datetime.fromisoformat(facts["given_up_at"]),
        exclusions=_counted(facts["exclusions"]), held=_counted(facts["held"]),
        by_parts={int(parts): count for parts, count in facts["by_parts"].items()},
        neighbours=[Neighbour(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in facts["neighbours"]],
    )  # fmt: skip


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _counted(counts: dict[str, int]) -> list[tuple[str, Any, int]]:
    return [(code, label, counts[code]) for code, label in EXCLUSIONS.items() if code in counts]
