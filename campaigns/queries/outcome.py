"""
What came of a run, broken down for its report: by variant, place and hour, with why people left.

Every breakdown adds up to a figure of `report`. How many queries it takes never depends on how many people there were.
"""

from dataclasses import dataclass

from campaigns.models import Run, RunState
from campaigns.queries.results import Report, report
from coupons.queries.outcome import RedeemedHour, redeemed_by_hour
from delivery.queries.today import SUBMITTED
from foundation.db import fetch_all, fetch_dicts, load_sql
from foundation.row_scope import stores_parameter

NOT_SENT_YET = ("PLANNED", "CLAIMED")


@dataclass(frozen=True, slots=True)
class Place:
    """People of one variant, city and home store who were to receive it; empty or None where that is unknown."""

    variant: str
    city: str
    store_id: int | None
    store: str
    people: int
    redeemed: int
    saving_fen: int


@dataclass(frozen=True, slots=True)
class Variant:
    """What came of one text."""

    name: str
    planned: int
    delivered: int
    opened: int
    redeemed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's report with its breakdowns. `variants` is empty once the audience was dropped."""

    report: Report
    hours: list[RedeemedHour]
    places: list[Place]
    variants: list[Variant]

    def count(self, *states: str) -> int:
        """Messages in some states."""
        return sum(self.report.progress.states.get(state, 0) for state in states)

    @property
    def submitted(self) -> int:
        """Messages that a channel took, or may have taken."""
        return self.count(*SUBMITTED)

    @property
    def delivered(self) -> int:
        """Messages that arrived, by receipt."""
        return self.count("DELIVERED")

    @property
    def waiting_for_receipt(self) -> int:
        """Messages whose result is still to come."""
        return self.count("ACCEPTED", "UNSURE")

    @property
    def not_sent_yet(self) -> int:
        """Messages that may still leave."""
        return self.count(*NOT_SENT_YET)

    @property
    def paid_fen(self) -> int:
        """What the tickets of all redemptions brought, as far as their amounts are known."""
        return sum(hour.paid_fen for hour in self.hours)

    @property
    def spent(self) -> int:
        """What sending and savings cost, in 1/10000 yuan."""
        return self.report.progress.cost + self.report.redemptions["saving_fen"] * 100


def outcome(*, run: Run) -> Outcome:
    """What came of a run whose audience is fixed, as of now."""
    told = report(run=run)
    variants = sorted({row.variant for row in told.rows})
    places = _places(run, has_several=len(variants) > 1)
    return Outcome(
        report=told,
        hours=redeemed_by_hour(source=run.source),
        places=places,
        variants=_variants(told, variants, places),
    )


def _places(run: Run, *, has_several: bool) -> list[Place]:
    facts = {"run_id": run.pk, "source": run.source, "several": has_several, "stores": stores_parameter()}
    return [Place(**row) for row in fetch_dicts(load_sql("campaigns", "report_places"), facts)]


def outcome_in_scope(*, run: Run) -> tuple[list[RedeemedHour], list[Place]]:
    """What came of a run in the stores in row scope: redeemed at their tills, and by their own members."""
    return redeemed_by_hour(source=run.source), _places(run, has_several=False)


OPENED = """
SELECT a.variant, count(*)
FROM coupons_coupon c JOIN campaigns_runaudience a ON a.run_id = %(run_id)s AND a.member_id = c.member_id
WHERE c.source = %(source)s AND c.first_viewed_at IS NOT NULL GROUP BY a.variant
"""


def _variants(told: Report, names: list[str], places: list[Place]) -> list[Variant]:
    """The texts against each other; empty when there was one only, or nobody knows any more who got which."""
    run, rows = told.run, told.rows
    if len(names) < 2 or not run.audience.exists():
        return []
    opened = dict(fetch_all(OPENED, {"run_id": run.pk, "source": run.source}))
    return [
        Variant(
            name=name,
            planned=sum(row.message_count for row in rows if row.variant == name),
            delivered=sum(row.message_count for row in rows if row.variant == name and row.state == "DELIVERED"),
            opened=opened.get(name, 0),
            redeemed=sum(place.redeemed for place in places if place.variant == name),
        )
        for name in names
    ]


def reported_runs(*, limit: int) -> list[Run]:
    """The newest runs with something to report, newest first."""
    runs = Run.objects.filter(dispatch_id__isnull=False).exclude(state__in=[RunState.FIRED, RunState.FREEZING])
    return list(runs.select_related("campaign").order_by("-occurrence_at", "-id")[:limit])
