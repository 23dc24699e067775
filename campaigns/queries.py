"""Reading in the campaigns' room: who would get it, for how much; how it goes; what came of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Run
from coupons.queries import coupon_figures, redemption_figures
from coupons.services.issue import validity
from delivery.models import CapPolicy
from delivery.queries.channels import price_of_part, total_speed, widest_opt_out_words
from delivery.queries.tally import tally_of
from delivery.rules.window import next_allowed
from foundation.db import compose, fetch_all, load_sql
from members.queries.segment import members_of
from templates_sms.queries import text_of, texts_of
from templates_sms.rules.merge_fields import MergeFieldMissing, worst_case_values
from templates_sms.rules.parts import count_parts

EXCLUSIONS = {
    "NO_PHONE": _("no phone number"),
    "NO_CONSENT": _("no marketing consent"),
    "OPTED_OUT": _("opted out"),
    "SUPPRESSED": _("on the suppression list"),
    "VIRTUAL_PREFIX": _("virtual operator (162 165 167 170 171)"),
    "CAP_DAY": _("has 3 in 24 hours already"),
    "SAME_TEXT": _("got the same text within 72 hours"),
    "CAP_WEEK": _("has 4 in 7 days already"),
    "COUPON_LIMIT": _("has this coupon already"),
    "SAME_PHONE": _("same phone on several cards"),
}


def fingerprint_of(campaign: Campaign) -> UUID:
    """The fingerprint under which caps know the campaign's text."""
    return UUID(campaign.template_version.sha256[:32])


def audience_sql(*, campaign: Campaign, now: datetime) -> tuple[str, dict[str, Any]]:
    """The statement that judges everybody of the campaign's segment at `now`, with its parameters."""
    picked = members_of(rule=campaign.segment.rule, now=now).values("id")
    sql, params = picked.query.sql_with_params()
    segment = compose(sql, params).replace("%", "%%")
    terms = campaign.coupon_terms
    return load_sql("campaigns", "audience").replace("{segment}", segment), {
        "now": now,
        "fingerprint": fingerprint_of(campaign),
        "caps_exclude": campaign.cap_policy == CapPolicy.EXCLUDE,
        "day_cap": settings.CAP_DAY_COUNT,
        "week_cap": settings.CAP_WEEK_COUNT,
        "same_text_hours": settings.SAME_TEXT_HOURS,
        "batch_id": terms.batch_id if terms else None,
        "member_limit": terms.batch.per_member_limit if terms else 0,
    }


@dataclass
class Preflight:
    """What would happen if the campaign were sent: the numbers a person decides on."""

    matched: int
    exclusions: list[tuple[str, Any, int]]
    will_receive: int
    by_parts: dict[int, int] = field(default_factory=dict)
    part_count: int = 0
    cost: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    parts_per_second: int = 0
    coupons_left: int | None = None
    exposure_fen: int = 0
    nameless: int = 0
    blockers: list[Any] = field(default_factory=list)


def preflight(*, campaign: Campaign, now: datetime) -> Preflight:
    """The preflight sheet of a campaign as if it were sent when planned; the same SQL as the freeze."""
    at = max(campaign.scheduled_at, now)
    sql, params = audience_sql(campaign=campaign, now=at)
    counts = dict(fetch_all(f"SELECT exclusion, count(*) FROM ({sql}) a GROUP BY exclusion", params))
    sheet = Preflight(
        matched=sum(counts.values()),
        exclusions=[(code, label, counts[code]) for code, label in EXCLUSIONS.items() if code in counts],
        will_receive=counts.get("", 0),
    )
    _add_parts(sheet, campaign, sql, params)
    _add_clock(sheet, campaign, at)
    _add_coupons(sheet, campaign)
    _add_blockers(sheet)
    return sheet


def _add_parts(sheet: Preflight, campaign: Campaign, sql: str, params: dict[str, Any]) -> None:
    lengths = fetch_all(
        f"SELECT m.name, count(*) FROM ({sql}) a JOIN members_member m ON m.id = a.member_id"
        " WHERE a.exclusion = '' GROUP BY m.name", params,
    )  # fmt: skip
    for name, count in lengths:
        try:
            parts = count_parts(sample_text(campaign=campaign, name=name))
        except MergeFieldMissing:
            sheet.nameless = count
            continue
        sheet.by_parts[parts] = sheet.by_parts.get(parts, 0) + count
    sheet.by_parts = dict(sorted(sheet.by_parts.items()))
    sheet.part_count = sum(parts * count for parts, count in sheet.by_parts.items())
    sheet.cost = sheet.part_count * price_of_part()


def sample_text(*, campaign: Campaign, name: str) -> str:
    """The message as a member of this name would read it, with place-holders of true width for code and links."""
    version = texts_of(version_ids=[campaign.template_version_id])[campaign.template_version_id]
    params = {**worst_case_values(link_widths()), "name": name}
    if campaign.coupon_terms is not None:
        _from, until = validity(terms=campaign.coupon_terms, issued_at=campaign.scheduled_at)
        params["expires"] = expiry_word(until)
    return text_of(version=version, params=params, opt_out_words=widest_opt_out_words())


def link_widths() -> dict[str, str]:
    """The longest values that links can have in this installation."""
    return {
        "coupon_link": f"{settings.PUBLIC_URL}/c/" + "0" * 11,
        "preference_link": f"{settings.PUBLIC_URL}/p/" + "0" * 11,
    }


def expiry_word(until: datetime) -> str:
    """The last day of a coupon as a text says it: the day before a midnight end."""
    last = timezone.localtime(until - timedelta(seconds=1))
    return f"{last.month}月{last.day}日"


def _add_clock(sheet: Preflight, campaign: Campaign, at: datetime) -> None:
    sheet.parts_per_second = total_speed()
    window = (campaign.window_from_minute, campaign.window_until_minute)
    sheet.first_at = next_allowed(at, *window)
    if not sheet.parts_per_second:
        return
    seconds, cursor = -(-sheet.part_count // sheet.parts_per_second), sheet.first_at
    while True:
        closes = timezone.localtime(cursor).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
            minutes=campaign.window_until_minute
        )
        room = max(int((closes - cursor).total_seconds()), 1)
        if seconds <= room:
            sheet.last_at = cursor + timedelta(seconds=seconds)
            return
        seconds -= room
        cursor = next_allowed(closes, *window)


def _add_coupons(sheet: Preflight, campaign: Campaign) -> None:
    terms = campaign.coupon_terms
    if terms is None:
        return
    sheet.coupons_left = terms.batch.planned_count - terms.batch.issued_count
    sheet.exposure_fen = sheet.will_receive * (terms.cap_fen if terms.kind == "DISCOUNT" else terms.face_fen)


def _add_blockers(sheet: Preflight) -> None:
    if sheet.will_receive == 0:
        sheet.blockers.append(_("Nobody would receive it."))
    if sheet.nameless:
        sheet.blockers.append(
            _("%(count)s people have no name; give the text a fallback like {name|会员}.") % {"count": sheet.nameless}
        )
    if sheet.coupons_left is not None and sheet.coupons_left < sheet.will_receive:
        sheet.blockers.append(_("The coupon batch has fewer coupons left than people."))
    if sheet.parts_per_second == 0:
        sheet.blockers.append(_("No channel is open."))


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
    states: dict[str, int] = {}
    parts = cost = 0
    for row in tally_of(dispatch_ids=[run.dispatch_id] if run.dispatch_id else []):
        states[row.state] = states.get(row.state, 0) + row.message_count
        parts, cost = parts + row.part_count, cost + row.cost
    planned = sum(states.values())
    return Progress(planned, planned - states.get("PLANNED", 0), states, parts, cost)


@dataclass(frozen=True)
class Report:
    """What came of a run. Every figure can be counted again from a ledger."""

    run: Run
    progress: Progress
    reasons: list[tuple[str, str, int]]
    exclusions: list[tuple[str, Any, int]]
    opt_outs: int
    coupons: dict[str, int]
    redemptions: dict[str, int]

    @property
    def delivered_of(self) -> int:
        """Messages with a result: what the delivery rate is a share of."""
        states = self.progress.states
        return sum(states.get(name, 0) for name in ("DELIVERED", "UNDELIVERED", "UNREPORTED"))


def report(*, run: Run) -> Report:
    """The report of a run as of now."""
    rows = tally_of(dispatch_ids=[run.dispatch_id] if run.dispatch_id else [])
    reasons: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.reason:
            reasons[row.state, row.reason] = reasons.get((row.state, row.reason), 0) + row.message_count
    left_out = dict(
        fetch_all(
            "SELECT exclusion, count(*) FROM campaigns_runaudience WHERE run_id = %(run)s AND exclusion <> ''"
            " GROUP BY exclusion", {"run": run.pk},
        )
    )  # fmt: skip
    return Report(
        run=run,
        progress=progress(run=run),
        reasons=[(state, reason, count) for (state, reason), count in sorted(reasons.items())],
        exclusions=[(code, label, left_out[code]) for code, label in EXCLUSIONS.items() if code in left_out],
        opt_outs=opt_outs_after(run=run),
        coupons=coupon_figures(source=run.source),
        redemptions=redemption_figures(source=run.source),
    )


OPT_OUTS = """
SELECT count(DISTINCT e.phone_hash)
FROM members_consentevent e
JOIN members_member m ON m.phone_hash = e.phone_hash
JOIN campaigns_runaudience a ON a.member_id = m.id AND a.run_id = %(run_id)s AND a.exclusion = ''
WHERE e.consent = 'OPTED_OUT' AND e.source IN ('REPLY', 'PREFERENCE_PAGE')
  AND e.at >= %(since)s AND e.at < %(until)s
"""


def opt_outs_after(*, run: Run) -> int:
    """Phones of the audience that opted out themselves within seven days of the start."""
    until = run.fired_at + timedelta(days=7)
    rows = fetch_all(OPT_OUTS, {"run_id": run.pk, "since": run.fired_at, "until": until})
    return int(rows[0][0])


def latest_run(*, campaign: Campaign) -> Run | None:
    """The newest run of a campaign."""
    return campaign.runs.order_by("-id").first()
