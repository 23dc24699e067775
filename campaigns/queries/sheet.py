"""The preflight sheet: what would happen if a campaign were sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Repeat
from campaigns.queries.audience import EXCLUSIONS, audience_sql
from campaigns.queries.waves import groups_of
from campaigns.rules.lateness import expires_at
from campaigns.rules.pace import sent_by
from campaigns.rules.waves import last_offset, wave_total
from coupons.services.issue import validity
from delivery.models import DayRule
from delivery.queries.calendar import days_closed_to, is_year_confirmed
from delivery.queries.channels import price_of_part, total_speed, widest_opt_out_words
from delivery.rules.window import day_of, next_allowed
from foundation.db import fetch_all
from templates_sms.queries import text_of, texts_of
from templates_sms.rules.merge_fields import MergeFieldMissing, worst_case_values
from templates_sms.rules.parts import count_parts


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
    wave_count: int = 1
    blockers: list[Any] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)


def preflight(*, campaign: Campaign, now: datetime) -> Preflight:
    """The preflight sheet of a campaign's next occurrence as if it were sent when planned; the freeze's own SQL."""
    planned_at = campaign.next_at or campaign.scheduled_at
    at = max(planned_at, now)
    sql, params = audience_sql(campaign=campaign, now=at)
    counts = dict(fetch_all(f"SELECT exclusion, count(*) FROM ({sql}) a GROUP BY exclusion", params))
    sheet = Preflight(
        matched=sum(counts.values()),
        exclusions=[(code, label, counts[code]) for code, label in EXCLUSIONS.items() if code in counts],
        will_receive=counts.get("", 0),
        parts_per_second=total_speed(),
    )
    _add_parts(sheet, campaign, sql, params)
    _add_coupons(sheet, campaign)
    _add_blockers(sheet)
    groups = groups_of(campaign=campaign, audience=sql, params=params)
    _add_clock(sheet, campaign, planned_at=planned_at, at=at, group_count=len(groups))
    _add_warnings(sheet, campaign, planned_at)
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
        _from, until = validity(terms=campaign.coupon_terms, issued_at=campaign.next_at or campaign.scheduled_at)
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


def _add_clock(sheet: Preflight, campaign: Campaign, *, planned_at: datetime, at: datetime, group_count: int) -> None:
    """First and last message by window, days, waves and speed. Of the last wave, its share of the people counts."""
    window = (campaign.window_from_minute, campaign.window_until_minute)
    closed = days_closed_to(rule=campaign.day_rule, now=at)
    pace = {"count": campaign.wave_count, "minutes": campaign.wave_minutes, "group_count": group_count}
    first_at = next_allowed(at, *window, closed)
    last_wave_at = first_at + last_offset(campaign.wave_kind, **pace)
    sheet.first_at, sheet.wave_count = first_at, wave_total(campaign.wave_kind, **pace)
    given_up_at = expires_at(planned_at, campaign.valid_hours)
    if first_at >= given_up_at:
        sheet.blockers.append(_("It would be given up before the first hour at which it may leave."))
    elif last_wave_at >= given_up_at:
        sheet.blockers.append(_("The last wave would begin after the campaign is given up."))
    speed = sheet.parts_per_second
    if not speed:
        return
    shares = ((first_at, speed), (last_wave_at, speed * sheet.wave_count))
    sheet.last_at = max(
        sent_by(start, seconds=-(-sheet.part_count // per_second), window=window, closed=closed)
        for start, per_second in shares
    )
    if sheet.last_at >= given_up_at > first_at:
        sheet.warnings.append(_("It takes longer than the campaign is valid: the last messages would be given up."))


def _add_warnings(sheet: Preflight, campaign: Campaign, planned_at: datetime) -> None:
    if campaign.day_rule != DayRule.ANY:
        reach = (planned_at, expires_at(planned_at, campaign.valid_hours))
        for year in sorted({day_of(instant).year for instant in reach}):
            if not is_year_confirmed(year=year):
                sheet.warnings.append(_("The holidays of %(year)s are not confirmed yet.") % {"year": year})
    if campaign.repeat == Repeat.DAILY and settings.SAME_TEXT_HOURS > 24:
        sentence = _("Nobody gets the same text twice within %(hours)s hours, so not everybody gets it every day.")
        sheet.warnings.append(sentence % {"hours": settings.SAME_TEXT_HOURS})


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
