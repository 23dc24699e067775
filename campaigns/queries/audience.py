"""Who would receive a campaign, and who is left out for which reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from delivery.models import CapPolicy
from foundation.db import compose, execute, fetch_all, load_sql
from members.queries.segment import members_of

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


JUDGED = "judged_audience"


@contextmanager
def judged_audience(*, campaign: Campaign, now: datetime) -> Iterator[None]:
    """
    Judge everybody once, into the temporary table JUDGED (member_id, exclusion), for the statements of the block.

    One transaction, so that all of them speak of the same people. Not to be nested.
    """
    sql, params = audience_sql(campaign=campaign, now=now)
    with transaction.atomic():
        execute(f"CREATE TEMPORARY TABLE {JUDGED} ON COMMIT DROP AS {sql}", params)
        execute(f"ANALYZE {JUDGED}")
        yield
        execute(f"DROP TABLE {JUDGED}")


def held_by_caps(*, campaign: Campaign, now: datetime) -> list[tuple[str, Any, int]]:
    """Of those judged to receive it, how many a cap would hold back at `now`, by first reason."""
    facts = {
        "now": now, "fingerprint": fingerprint_of(campaign), "day_cap": settings.CAP_DAY_COUNT,
        "week_cap": settings.CAP_WEEK_COUNT, "same_text_hours": settings.SAME_TEXT_HOURS,
    }  # fmt: skip
    counts = dict(fetch_all(load_sql("campaigns", "held_by_caps").replace("{judged}", JUDGED), facts))
    return [(code, label, counts[code]) for code, label in EXCLUSIONS.items() if code in counts]
