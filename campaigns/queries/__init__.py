"""Reading in the campaigns' room: who would get it, for how much; how it goes; what came of it."""

from campaigns.queries.audience import EXCLUSIONS, JUDGED, audience_sql, fingerprint_of, judged_audience
from campaigns.queries.checks import Check, Verdict, Weight, approvals_needed, examine, verdict_of
from campaigns.queries.conflicts import Neighbour, neighbours
from campaigns.queries.explanation import OUT, PLACES, RECEIVE, Line, explain
from campaigns.queries.look import Look, content_of, kept_look
from campaigns.queries.outcome import Outcome, Place, Variant, outcome, outcome_in_scope, reported_runs
from campaigns.queries.results import (
    OPEN_STATES,
    Aftermath,
    Progress,
    Report,
    aftermath_of,
    latest_run,
    open_runs,
    opt_outs_after,
    progress,
    report,
)
from campaigns.queries.sheet import (
    Preflight,
    expiry_word,
    judged_at,
    link_widths,
    preflight,
    sample_text,
    sheet_of,
)
from campaigns.queries.waves import wave_plan, wave_ranks
from campaigns.queries.week import WeekDay, next_week, runs_of_today

__all__ = [
    "EXCLUSIONS",
    "JUDGED",
    "OPEN_STATES",
    "OUT",
    "PLACES",
    "RECEIVE",
    "Aftermath",
    "Check",
    "Line",
    "Look",
    "Neighbour",
    "Outcome",
    "Place",
    "Preflight",
    "Progress",
    "Report",
    "Variant",
    "Verdict",
    "WeekDay",
    "Weight",
    "aftermath_of",
    "approvals_needed",
    "audience_sql",
    "content_of",
    "examine",
    "expiry_word",
    "explain",
    "fingerprint_of",
    "judged_at",
    "judged_audience",
    "kept_look",
    "latest_run",
    "link_widths",
    "neighbours",
    "next_week",
    "open_runs",
    "opt_outs_after",
    "outcome",
    "outcome_in_scope",
    "preflight",
    "progress",
    "report",
    "reported_runs",
    "runs_of_today",
    "sample_text",
    "sheet_of",
    "verdict_of",
    "wave_plan",
    "wave_ranks",
]
