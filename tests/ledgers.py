"""Rows of every ledger, made the way the console makes them."""

from datetime import timedelta
from uuid import uuid4

from coupons.models import Redemption
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from foundation.db import execute, fetch_value
from foundation.services import audit
from foundation.services.phones import hash_phone
from members.services.consent import opt_out
from tests.coupons.tills import DEVICE, ask, make_clerk, make_coupon
from tests.factories import NOON, make_terms, mobile

TABLES = {
    "audit": "foundation_auditentry", "consents": "members_consentevent",
    "redemptions": "coupons_redemption", "reversals": "coupons_reversal",
}  # fmt: skip


def write_down(count: int, *, start: int = 0) -> None:
    """Some audit entries."""
    for number in range(start, start + count):
        audit.record(action="a", subject=f"s:{number}", by=None, now=NOON, why="测试", nothing=None)


def opt_out_some(count: int) -> None:
    """Some consent events."""
    for number in range(count):
        opt_out(phone_hash=hash_phone(mobile(number)), source="REPLY", proof=f"reply:{number}", now=NOON)


def redeem_and_undo(count: int) -> None:
    """Some redemptions, each of them undone."""
    clerk, terms = make_clerk(), make_terms()
    for number in range(count):
        coupon = make_coupon(terms, member_id=number)
        redeem(question=ask(clerk, coupon.code), request_id=uuid4(), now=NOON)
        done = Redemption.objects.get(coupon=coupon)
        reverse(redemption_no=done.redemption_no, device_id=DEVICE, reason="MISSCAN", by=clerk,
                now=NOON + timedelta(minutes=1))  # fmt: skip


def fill_all(count: int = 3) -> None:
    """At least so many rows in every ledger."""
    write_down(count)
    opt_out_some(count)
    redeem_and_undo(count)


def fingerprint(table: str) -> str:
    """Changes when any row does."""
    return fetch_value(f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {table} t")


def tamper(statement: str, **params: object) -> None:
    """What somebody does who may pass by the triggers."""
    execute("SET session_replication_role = replica")
    execute(statement, params)
    execute("SET session_replication_role = DEFAULT")
