"""How a run goes and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from campaigns.models import Campaign, Run, RunState
from campaigns.queries.audience import EXCLUSIONS
from coupons.queries import coupon_figures, redemption_figures
from delivery.queries.tally import TallyRow, tally_of
from delivery.queries.today import WITH_RESULT
from foundation.db import fetch_all


@dataclass(frozen=True)
class Progress:
    """How far a run is. `done` counts everybody whose message is no longer waiting."""

    planned: int
    done: int
    states: dict[str, int]
    part_count: int
    cost: int

    @property
    def percent(self) -> int:
        """Whole percents, rounded down."""
        return self.done * 100 // self.planned if self.planned else 0


def progress(*, run: Run) -> Progress:
    """The live figures of a run, from the tally."""
    return progress_of(tally_of(dispatch_ids=[run.dispatch_id] if run.dispatch_id else []))


def progress_of(rows: Iterable[TallyRow]) -> Progress:
    """The figures that the tally of one dispatch adds up to. Nobody bills the parts of what a channel refused."""
    states: dict[str, int] = {}
    parts = cost = 0
    for row in rows:
        states[row.state] = states.get(row.state, 0) + row.message_count
        parts, cost = parts + (row.part_count if row.state != "REFUSED" else 0), cost + row.cost
    planned = sum(states.values())
    return Progress(planned, planned - states.get("PLANNED", 0), states, parts, cost)


@dataclass(frozen=True)
class Aftermath:
    """
    What came of a run beside its messages: counted from ledgers, which takes a moment at a million people.

    `reasons_to_leave` (source, reason, phones) is empty once the audience was dropped; `opt_outs` stays.
    """

    opt_outs: int
    reasons_to_leave: list[tuple[str, str, int]]
    coupons: dict[str, int]
    redemptions: dict[str, int]


@dataclass(frozen=True)
class Report(Aftermath):
    """What came of a run. Every figure can be counted again from a ledger."""

    run: Run
    rows: list[TallyRow]
    progress: Progress
    reasons: list[tuple[str, str, int]]
    exclusions: list[tuple[str, Any, int]]

    @property
    def delivered_of(self) -> int:
        """Messages with a result: what the delivery rate is a share of."""
        states = self.progress.states
        return sum(states.get(name, 0) for name in WITH_RESULT)


def aftermath_of(*, run: Run) -> Aftermath:
    """Opt-outs, coupons and redemptions of a run as of now."""
    leaving = opt_outs_by_reason(run=run)
    return Aftermath(
        opt_outs=total_of(leaving) if run.opt_out_count is None else run.opt_out_count, reasons_to_leave=leaving,
        coupons=coupon_figures(source=run.source), redemptions=redemption_figures(source=run.source),
    )  # fmt: skip


def report(*, run: Run, aftermath: Aftermath | None = None) -> Report:
    """The report of a run as of now; with an `aftermath` that was counted a moment ago, that one."""
    rows = tally_of(dispatch_ids=[run.dispatch_id] if run.dispatch_id else [])
    reasons: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.reason:
            reasons[row.state, row.reason] = reasons.get((row.state, row.reason), 0) + row.message_count
    left_out, counted = left_out_of(run=run), aftermath or aftermath_of(run=run)
    return Report(
        run=run,
        rows=rows,
        progress=progress_of(rows),
        reasons=[(state, reason, count) for (state, reason), count in sorted(reasons.items())],
        exclusions=[(code, label, left_out[code]) for code, label in EXCLUSIONS.items() if code in left_out],
        opt_outs=counted.opt_outs,
        reasons_to_leave=counted.reasons_to_leave,
        coupons=counted.coupons,
        redemptions=counted.redemptions,
    )


LEFT_OUT = """
SELECT exclusion, count(*) FROM campaigns_runaudience WHERE run_id = %(run_id)s AND exclusion <> '' GROUP BY exclusion
"""


def left_out_of(*, run: Run) -> dict[str, int]:
    """How many were left out before, by reason: what the run keeps, or the audience while it is being fixed."""
    return run.exclusions or dict(fetch_all(LEFT_OUT, {"run_id": run.pk}))


OPT_OUTS = """
SELECT source, reason, count(*)
FROM (
    SELECT DISTINCT ON (e.phone_hash) e.source, e.reason
    FROM members_consentevent e
    JOIN (SELECT id, phone_hash FROM members_member UNION ALL SELECT member_id, phone_hash FROM members_erasure) m
      ON m.phone_hash = e.phone_hash
    JOIN campaigns_runaudience a ON a.member_id = m.id AND a.run_id = %(run_id)s AND a.exclusion = ''
    WHERE e.consent = 'OPTED_OUT' AND e.source IN ('REPLY', 'PREFERENCE_PAGE')
      AND e.at >= %(since)s AND e.at < %(until)s
    ORDER BY e.phone_hash, e.id
) first_of_phone
GROUP BY source, reason ORDER BY count(*) DESC, source, reason
"""


def opt_outs_by_reason(*, run: Run) -> list[tuple[str, str, int]]:
    """
    Phones of the audience that opted out themselves within seven days of the start: source, reason, how many.

    The commonest first; each phone counts once, by its first word.
    """
    until = run.fired_at + timedelta(days=7)
    return fetch_all(OPT_OUTS, {"run_id": run.pk, "since": run.fired_at, "until": until})


def total_of(leaving: list[tuple[str, str, int]]) -> int:
    """How many phones opted out."""
    return sum(count for _source, _reason, count in leaving)


def opt_outs_after(*, run: Run) -> int:
    """How many phones of the audience opted out themselves within seven days of the start."""
    return total_of(opt_outs_by_reason(run=run))


OPEN_STATES = (RunState.FIRED, RunState.FREEZING, RunState.ASKING, RunState.SENDING, RunState.PAUSED)


def open_runs(*, campaign_id: int) -> QuerySet[Run]:
    """The runs of a campaign that have not ended."""
    return Run.objects.filter(campaign_id=campaign_id, state__in=OPEN_STATES)


def latest_run(*, campaign: Campaign) -> Run | None:
    """The run of a campaign's newest occurrence."""
    return campaign.runs.order_by("-occurrence_at").first()
