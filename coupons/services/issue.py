"""Issuing: codes and tokens made in Python, inserted once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils.translation import gettext as _

from coupons.models import BatchState, CouponBatch, CouponTerms
from coupons.rules.code import new_codes
from foundation.db import execute, fetch_all
from foundation.errors import DomainError
from foundation.tokens import new_tokens

INSERT = """
INSERT INTO coupons_coupon
    (id, batch_id, terms_id, code, link_token, member_id, phone_tail, source, ordinal, state, uses_count, max_uses,
     use_seq, valid_from, valid_until, issued_at, void_reason)
SELECT id, %(batch_id)s, %(terms_id)s, code, link_token, member_id, phone_tail, %(source)s, ordinal, 'ISSUED', 0, 1, 0,
       %(valid_from)s, %(valid_until)s, %(issued_at)s, ''
FROM jsonb_to_recordset(%(coupons)s::jsonb)
    AS c(id bigint, code text, link_token text, member_id bigint, phone_tail text, ordinal smallint)
"""


class CouponsExhausted(DomainError):
    """The batch is not active, or has fewer coupons left than people."""

    code = "COUPONS_EXHAUSTED"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who gets a coupon, and the how-manieth of this batch it is for them."""

    member_id: int
    phone_tail: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class Issued:
    """A coupon as a message needs it."""

    id: int
    code: str
    link_token: str
    valid_from: datetime
    valid_until: datetime


def validity(*, terms: CouponTerms, issued_at: datetime, zone: str = "Asia/Shanghai") -> tuple[datetime, datetime]:
    """From and until (half-open) of a coupon; "N days after issue" ends at a midnight of `zone`."""
    if terms.valid_from is not None and terms.valid_until is not None:
        return terms.valid_from, terms.valid_until
    local = issued_at.astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return issued_at, midnight + timedelta(days=(terms.valid_days or 0) + 1)


def issue_to(*, terms: CouponTerms, receivers: Sequence[Receiver], source: str, issued_at: datetime) -> list[Issued]:
    """
    One new coupon for each receiver, in their order, given away by `source`.

    `issued_at` is the planned send, so that all of a run have the same validity. Needs an open
    transaction. Raises CouponsExhausted with nothing taken; the constraint on batch, member and ordinal
    breaks the transaction when somebody would get theirs twice.
    """
    if not receivers:
        return []
    _reserve(terms.batch_id, len(receivers))
    codes, tokens = new_codes(len(receivers)), new_tokens(len(receivers))
    valid_from, valid_until = validity(terms=terms, issued_at=issued_at)
    ids = fetch_all(
        "SELECT nextval(pg_get_serial_sequence('coupons_coupon', 'id')) FROM generate_series(1, %(n)s)",
        {"n": len(receivers)},
    )
    issued = [
        Issued(row[0], code, token, valid_from, valid_until)
        for row, code, token in zip(ids, codes, tokens, strict=True)
    ]
    rows = [
        {
            "id": one.id, "code": one.code, "link_token": one.link_token, "member_id": who.member_id,
            "phone_tail": who.phone_tail, "ordinal": who.ordinal,
        }
        for one, who in zip(issued, receivers, strict=True)
    ]  # fmt: skip
    facts = {
        "batch_id": terms.batch_id, "terms_id": terms.pk, "source": source, "valid_from": valid_from,
        "valid_until": valid_until, "issued_at": issued_at, "coupons": json.dumps(rows),
    }  # fmt: skip
    execute(INSERT, facts)
    return issued


def _reserve(batch_id: int, count: int) -> None:
    """Scarce things by one conditional update; the check constraint is the belt to its braces."""
    left = CouponBatch.objects.filter(
        pk=batch_id, state=BatchState.ACTIVE, planned_count__gte=F("issued_count") + count
    )
    if not left.update(issued_count=F("issued_count") + count):
        raise CouponsExhausted(_("The coupon batch is not active or has too few coupons left."))
