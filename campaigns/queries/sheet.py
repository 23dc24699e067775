"""The preflight sheet: what would happen if a campaign were sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.queries.audience import EXCLUSIONS, JUDGED, held_by_caps, judged_audience
from campaigns.queries.conflicts import Neighbour, neighbours
from campaigns.queries.waves import groups_of
from campaigns.rules.lateness import expires_at
from campaigns.rules.pace import sent_by
from campaigns.rules.waves import last_offset, wave_total
from coupons.services.issue import validity
from delivery.models import CapPolicy
from delivery.queries.calendar import days_closed_to
from delivery.queries.channels import price_of_part, total_speed, widest_opt_out_words
from delivery.rules.window import next_allowed
from foundation.db import fetch_all
from members.queries.names import WIDE
from templates_sms.queries import text_of, texts_of
from templates_sms.rules.merge_fields import MergeFieldMissing, worst_case_values
from templates_sms.rules.parts import count_parts


@dataclass
class Preflight:
    """
    What would happen if the campaign were sent: the numbers a person decides on.

    `planned_at` is the occurrence it speaks of, `at` the instant at which it judges. `held` is whom a cap makes wait
    where capped people are not left out.
    """

    planned_at: datetime
    at: datetime
    given_up_at: datetime
    matched: int
    exclusions: list[tuple[str, Any, int]]
    will_receive: int
    by_parts: dict[int, int] = field(default_factory=dict)
    part_count: int = 0
    cost: int = 0
    first_at: datetime | None = None
    last_wave_at: datetime | None = None
    last_at: datetime | None = None
    parts_per_second: int = 0
    coupons_left: int | None = None
    exposure_fen: int = 0
    nameless: int = 0
    wave_count: int = 1
    held: Sequence[tuple[str, Any, int]] = ()
    neighbours: Sequence[Neighbour] = ()

    @property
    def held_count(self) -> int:
        """How many people a cap makes wait."""
        return sum(count for _code, _label, count in self.held)


def preflight(*, campaign: Campaign, now: datetime) -> Preflight:
    """The preflight sheet of a campaign's next occurrence as if it were sent when planned; the freeze's own SQL."""
    with judged_audience(campaign=campaign, now=judged_at(campaign=campaign, now=now)):
        return sheet_of(campaign=campaign, now=now)


def judged_at(*, campaign: Campaign, now: datetime) -> datetime:
    """The instant at which a sheet judges: when the next occurrence is planned, and not in the past."""
    return max(campaign.next_at or campaign.scheduled_at, now)


def sheet_of(*, campaign: Campaign, now: datetime) -> Preflight:
    """The sheet over the audience that was judged: needs the block of `judged_audience`."""
    planned_at, at = campaign.next_at or campaign.scheduled_at, judged_at(campaign=campaign, now=now)
    counts = dict(fetch_all(f"SELECT exclusion, count(*) FROM {JUDGED} GROUP BY exclusion"))
    sheet = Preflight(
        planned_at=planned_at,
        at=at,
        given_up_at=expires_at(planned_at, campaign.valid_hours),
        matched=sum(counts.values()),
        exclusions=[(code, label, counts[code]) for code, label in EXCLUSIONS.items() if code in counts],
        will_receive=counts.get("", 0),
        parts_per_second=total_speed(),
        held=held_by_caps(campaign=campaign, now=at) if campaign.cap_policy == CapPolicy.DEFER else (),
        neighbours=neighbours(campaign=campaign, at=at),
    )
    _add_parts(sheet, campaign)
    _add_coupons(sheet, campaign)
    _add_clock(sheet, campaign)
    return sheet


# Names of one width make texts of one length; those above U+FFFF count two, see rules.parts.
WIDTHS = f"""
SELECT char_length(m.name), {WIDE % {"expressions": "m.name"}}, count(*)
FROM {JUDGED} j JOIN members_member m ON m.id = j.member_id
WHERE j.exclusion = '' GROUP BY 1, 2
"""


def _add_parts(sheet: Preflight, campaign: Campaign) -> None:
    for length, wide, count in fetch_all(WIDTHS):
        try:
            parts = count_parts(sample_text(campaign=campaign, name="名" * (length - wide) + "𠮷" * wide))
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
    return text_of(
        version=version, params=sample_params(campaign=campaign, name=name), opt_out_words=widest_opt_out_words()
    )


def sample_params(*, campaign: Campaign, name: str) -> dict[str, str]:
    """What fills the text in a sample: no code and no link of it leads anywhere."""
    params = {**worst_case_values(link_widths()), "name": name}
    if campaign.coupon_terms is not None:
        _from, until = validity(terms=campaign.coupon_terms, issued_at=campaign.next_at or campaign.scheduled_at)
        params["expires"] = expiry_word(until)
    return params


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


def _add_clock(sheet: Preflight, campaign: Campaign) -> None:
    """First and last message by window, days, waves and speed. Of the last wave, its share of the people counts."""
    window = (campaign.window_from_minute, campaign.window_until_minute)
    closed = days_closed_to(rule=campaign.day_rule, now=sheet.at)
    groups = groups_of(campaign=campaign, audience=f"SELECT member_id, exclusion FROM {JUDGED}", params={})
    pace = {"count": campaign.wave_count, "minutes": campaign.wave_minutes, "group_count": len(groups)}
    first_at = next_allowed(sheet.at, *window, closed)
    last_wave_at = first_at + last_offset(campaign.wave_kind, **pace)
    sheet.first_at, sheet.last_wave_at = first_at, last_wave_at
    sheet.wave_count = wave_total(campaign.wave_kind, **pace)
    speed = sheet.parts_per_second
    if not speed:
        return
    shares = ((first_at, speed), (last_wave_at, speed * sheet.wave_count))
    sheet.last_at = max(
        sent_by(start, seconds=-(-sheet.part_count // per_second), window=window, closed=closed)
        for start, per_second in shares
    )


def _add_coupons(sheet: Preflight, campaign: Campaign) -> None:
    terms = campaign.coupon_terms
    if terms is None:
        return
    sheet.coupons_left = terms.batch.planned_count - terms.batch.issued_count
    sheet.exposure_fen = sheet.will_receive * (terms.cap_fen if terms.kind == "DISCOUNT" else terms.face_fen)
