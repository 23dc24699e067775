-- Judge everybody a segment picks: an empty exclusion, or the first reason in published order.
-- Preflight counts this statement, the freeze inserts it: one truth. The braces hold the segment's own SELECT of ids.
-- Reads only. Indexes: member's primary key, gate's primary key, cap_phone.
WITH lately AS (
    SELECT phone_hash,
           count(*) FILTER (WHERE at > %(now)s - interval '24 hours') AS day_count,
           count(*) AS week_count,
           bool_or(fingerprint = %(fingerprint)s AND at > %(now)s - make_interval(hours => %(same_text_hours)s))
               AS same_text
    FROM delivery_capentry
    WHERE %(caps_exclude)s AND at > %(now)s - interval '7 days'
    GROUP BY phone_hash
), judged AS (
    SELECT m.id AS member_id, m.phone_hash,
           CASE
               WHEN m.phone_hash IS NULL THEN 'NO_PHONE'
               WHEN COALESCE(g.consent, 'NONE') = 'NONE' THEN 'NO_CONSENT'
               WHEN g.consent = 'OPTED_OUT' THEN 'OPTED_OUT'
               WHEN EXISTS (SELECT 1 FROM members_suppression s WHERE s.phone_hash = m.phone_hash
                            AND (s.until IS NULL OR s.until > %(now)s)) THEN 'SUPPRESSED'
               WHEN m.carrier = 'VIRTUAL' THEN 'VIRTUAL_PREFIX'
               WHEN l.day_count >= %(day_cap)s THEN 'CAP_DAY'
               WHEN l.same_text THEN 'SAME_TEXT'
               WHEN l.week_count >= %(week_cap)s THEN 'CAP_WEEK'
               WHEN %(batch_id)s::bigint IS NOT NULL AND (
                   SELECT count(*) FROM coupons_coupon c
                   WHERE c.batch_id = %(batch_id)s AND c.member_id = m.id
                     AND NOT (c.state = 'VOID' AND c.void_reason = 'NOT_SENT')) >= %(member_limit)s
                   THEN 'COUPON_LIMIT'
               ELSE ''
           END AS exclusion
    FROM members_member m
    JOIN ({segment}) picked ON picked.id = m.id
    LEFT JOIN members_phonegate g ON g.phone_hash = m.phone_hash
    LEFT JOIN lately l ON l.phone_hash = m.phone_hash
), numbered AS (
    SELECT member_id, exclusion,
           row_number() OVER (PARTITION BY phone_hash, exclusion ORDER BY member_id) AS of_phone
    FROM judged
)
SELECT member_id, CASE WHEN exclusion = '' AND of_phone > 1 THEN 'SAME_PHONE' ELSE exclusion END AS exclusion
FROM numbered
