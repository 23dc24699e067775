"""Reading in the campaigns' room: who would get it, for how much; how it goes; what came of it."""

from campaigns.queries.audience import EXCLUSIONS, audience_sql, fingerprint_of
from campaigns.queries.results import (
    OPEN_STATES,
    Progress,
    Report,
    latest_run,
    open_runs,
    opt_outs_after,
    progress,
    report,
)
from campaigns.queries.sheet import Preflight, expiry_word, link_widths, preflight, sample_text
from campaigns.queries.waves import wave_plan, wave_ranks

__all__ = [
    "EXCLUSIONS",
    "OPEN_STATES",
    "Preflight",
    "Progress",
    "Report",
    "audience_sql",
    "expiry_word",
    "fingerprint_of",
    "latest_run",
    "link_widths",
    "open_runs",
    "opt_outs_after",
    "preflight",
    "progress",
    "report",
    "sample_text",
    "wave_plan",
    "wave_ranks",
]
