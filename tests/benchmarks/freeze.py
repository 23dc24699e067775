"""`freeze`: a campaign's audience judged by every rule, then a coupon, a link and a message for each who is left."""

from typing import Any

from tests.benchmarks.stage import Result, peak_mb, timed

BODY = "{name|会员}您好，满50减10，券码{coupon_code}，打开{coupon_link}，{expires}前有效。"
RULES = (
    "NO_PHONE", "NO_CONSENT", "OPTED_OUT", "SUPPRESSED", "VIRTUAL_PREFIX", "CAP_DAY", "SAME_TEXT", "CAP_WEEK",
    "COUPON_LIMIT", "SAME_PHONE",
)  # fmt: skip
EXCLUDED_OF = 6  # one in so many members falls to a rule

# Member i falls to rule (i / EXCLUDED_OF) mod 10 when i is a multiple of EXCLUDED_OF; -1 stays in.
MEMBERS = """
INSERT INTO members_member
    (card_no, name, phone_hash, phone_cipher, phone_tail, carrier, gender, city, level, income_band, is_demo,
     purchase_count, spend_fen, rfm_r, rfm_f, rfm_m, lifecycle)
SELECT 'M' || i, '会员' || i %% 1000,
       CASE rule WHEN 0 THEN NULL WHEN 9 THEN md5((i - 1)::text)::uuid ELSE md5(i::text)::uuid END,
       CASE rule WHEN 0 THEN NULL ELSE decode(repeat(md5(i::text), 3), 'hex') END,
       lpad((i %% 10000)::text, 4, '0'), CASE rule WHEN 4 THEN 'VIRTUAL' ELSE 'MOBILE' END, '', '', '', '', false,
       rule + 1, 0, 0, 0, 0, 'ACTIVE'
FROM (SELECT i, CASE WHEN i %% %(of)s = 0 THEN (i / %(of)s) %% 10 ELSE -1 END AS rule
      FROM generate_series(1, %(total)s) i) m
ORDER BY i
"""
GATES = """
INSERT INTO members_phonegate (phone_hash, consent, changed_at)
SELECT phone_hash, CASE purchase_count WHEN 2 THEN 'NONE' WHEN 3 THEN 'OPTED_OUT' ELSE 'GRANTED' END, %(now)s
FROM members_member WHERE phone_hash IS NOT NULL ON CONFLICT DO NOTHING
"""
SUPPRESSIONS = """
INSERT INTO members_suppression (phone_hash, phone_tail, kind, note, since)
SELECT phone_hash, phone_tail, 'MANUAL', '', %(now)s FROM members_member WHERE purchase_count = 4
"""
# Earlier messages: three today, one of the same text the day before yesterday, four this week.
CAPS = """
INSERT INTO delivery_capentry (message_id, phone_hash, fingerprint, at)
SELECT -row_number() OVER (), phone_hash,
       CASE purchase_count WHEN 7 THEN %(fingerprint)s ELSE md5(n::text)::uuid END,
       %(now)s - CASE purchase_count WHEN 6 THEN interval '2 hours' ELSE interval '50 hours' END
FROM members_member
JOIN generate_series(1, 4) n ON n <= CASE purchase_count WHEN 6 THEN 3 WHEN 7 THEN 1 WHEN 8 THEN 4 ELSE 0 END
"""
HAVE_ONE = """
INSERT INTO coupons_coupon
    (batch_id, terms_id, code, link_token, member_id, phone_tail, source, ordinal, state, uses_count, max_uses, use_seq,
     valid_from, valid_until, issued_at, void_reason)
SELECT %(batch_id)s, %(terms_id)s, upper(left(md5('c' || id), 12)), left(md5('t' || id), 11), id, phone_tail,
       'test:0', 1, 'ISSUED', 0, 1, 0, %(now)s, %(now)s + interval '30 days', %(now)s, ''
FROM members_member WHERE purchase_count = 9
"""
# The same rows and keys by the database alone: audience, coupons, messages, queue.
LIMIT = (
    """
INSERT INTO campaigns_runaudience (run_id, member_id, variant, exclusion, is_frozen)
SELECT %(run_id)s, member_id, 'A', exclusion, true FROM ({audience}) a ORDER BY member_id
""",
    """
INSERT INTO coupons_coupon
    (batch_id, terms_id, code, link_token, member_id, phone_tail, source, ordinal, state, uses_count, max_uses, use_seq,
     valid_from, valid_until, issued_at, void_reason)
SELECT %(batch_id)s, %(terms_id)s, upper(left(md5('c' || m.id), 12)), left(md5('t' || m.id), 11), m.id, m.phone_tail,
       'campaign_run:1', 1, 'ISSUED', 0, 1, 0, %(now)s, %(now)s + interval '30 days', %(now)s, ''
FROM campaigns_runaudience a JOIN members_member m ON m.id = a.member_id
WHERE a.run_id = %(run_id)s AND a.exclusion = '' ORDER BY m.id
""",
    """
WITH written AS (
    INSERT INTO delivery_message
        (month, dispatch_id, variant, dedupe_key, tier, template_version_id, params, member_id, phone_hash,
         phone_cipher, phone_tail, carrier, is_demo, state, reason, not_before, expires_at, fingerprint, sender_ref)
    SELECT %(month)s, %(dispatch_id)s, 'A', m.phone_hash, 'MARKETING', %(version_id)s,
           jsonb_build_object('name', m.name, 'coupon_code', c.code, 'coupon_link',
                              'http://127.0.0.1:8000/c/' || c.link_token, 'expires', '12月20日'),
           m.id, m.phone_hash, m.phone_cipher, m.phone_tail, 'MOBILE', false, 'PLANNED', '', %(now)s,
           %(now)s + interval '2 days', %(fingerprint)s, c.id
    FROM campaigns_runaudience a
    JOIN members_member m ON m.id = a.member_id
    JOIN coupons_coupon c ON c.member_id = m.id AND c.batch_id = %(batch_id)s
    WHERE a.run_id = %(run_id)s AND a.exclusion = '' ORDER BY m.id
    RETURNING id
)
INSERT INTO delivery_ready (message_id, month, dispatch_id, carrier, priority, not_before)
SELECT id, %(month)s, %(dispatch_id)s, 'MOBILE', 100, %(now)s FROM written
""",
)


def run(n: int) -> Result:
    """Measure the limit for `n` receivers, then the freeze of the same campaign."""
    from campaigns.models import Run
    from campaigns.services import freeze, runs
    from coupons.models import Coupon
    from delivery.models import Message, Ready
    from tests.benchmarks.people import expect
    from tests.factories import NOON

    campaign = _campaign(n)
    limit = n / timed(lambda: _limit(campaign))
    _forget(campaign)
    runs.fire_due(now=NOON)
    one = Run.objects.get()
    seconds = timed(lambda: freeze.freeze(run_id=one.pk, now=NOON))
    one.refresh_from_db()
    left_out = one.matched_count - one.planned_count
    expect("the state", (one.state, one.reason), ("SENDING", ""))
    expect("coupons given", Coupon.objects.filter(source=one.source).count(), one.planned_count)
    expect("messages", Message.objects.filter(dispatch_id=one.dispatch_id).count(), one.planned_count)
    expect("the queue", Ready.objects.filter(dispatch_id=one.dispatch_id).count(), one.planned_count)
    expect("the rules met", set(one.exclusions), set(RULES))
    expect("those left out", sum(one.exclusions.values()), left_out)
    return Result(
        "freeze", one.planned_count, one.planned_count / seconds, "receivers/s", limit, peak_mb(),
        {"seconds": round(seconds, 1), "matched": one.matched_count, "left_out": left_out},
    )  # fmt: skip


def _campaign(n: int) -> Any:
    """An approved campaign to `n` people who will receive it and a sixth more who will not."""
    from campaigns.queries import fingerprint_of
    from foundation.db import execute
    from tests.benchmarks.people import vacuum
    from tests.factories import NOON, make_campaign, make_channel, make_terms, make_version

    make_channel()
    terms = make_terms(planned_count=2 * n)
    execute(MEMBERS, {"of": EXCLUDED_OF, "total": n * EXCLUDED_OF // (EXCLUDED_OF - 1)})
    execute(GATES, {"now": NOON})
    execute(SUPPRESSIONS, {"now": NOON})
    execute(HAVE_ONE, {"batch_id": terms.batch_id, "terms_id": terms.pk, "now": NOON})
    campaign = make_campaign(version=make_version(BODY), terms=terms, cap_policy="EXCLUDE")
    execute(CAPS, {"fingerprint": fingerprint_of(campaign), "now": NOON})
    vacuum("members_member", "members_phonegate", "members_suppression", "delivery_capentry", "coupons_coupon")
    return campaign


def _facts(campaign: Any) -> dict[str, Any]:
    from campaigns.models import Run
    from campaigns.queries import fingerprint_of
    from tests.factories import NOON, make_dispatch

    dispatch = make_dispatch(is_open=False)
    run = Run.objects.create(campaign=campaign, occurrence_at=NOON, fired_at=NOON)
    return {
        "run_id": run.pk, "batch_id": campaign.coupon_terms.batch_id, "terms_id": campaign.coupon_terms_id,
        "now": NOON, "month": dispatch.month, "dispatch_id": dispatch.pk, "version_id": campaign.template_version_id,
        "fingerprint": fingerprint_of(campaign),
    }  # fmt: skip


def _limit(campaign: Any) -> None:
    from campaigns.queries import audience_sql
    from foundation.db import execute
    from tests.factories import NOON

    sql, params = audience_sql(campaign=campaign, now=NOON)
    facts = {**params, **_facts(campaign)}
    for statement in LIMIT:
        execute(statement.replace("{audience}", sql), facts)


def _forget(campaign: Any) -> None:
    """The limit's rows go; the freeze begins where the limit did."""
    from foundation.db import execute
    from tests.benchmarks.people import vacuum

    execute(
        "TRUNCATE campaigns_runaudience, campaigns_runplace, campaigns_run, delivery_message, delivery_ready,"
        " delivery_tallydelta"
    )
    execute("DELETE FROM coupons_coupon WHERE source = 'campaign_run:1'")
    execute("DELETE FROM delivery_dispatch")
    vacuum("coupons_coupon")
