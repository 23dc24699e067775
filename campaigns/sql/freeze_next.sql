-- The next people of a run for one worker, as they are now: with an exclusion where something has changed since the
-- audience was fixed. `given` and `ordinal` are about the run's coupon batch, which the caller has locked.
-- Locks: the chosen audience rows, skipping those of another worker. Reads members, messages, coupons.
-- Indexes: run_audience_open, member's primary key, message_dedupe, coupon_once_per_member.
WITH chosen AS MATERIALIZED (
    SELECT id, member_id FROM campaigns_runaudience
    WHERE run_id = %(run_id)s AND exclusion = '' AND NOT is_frozen
    ORDER BY member_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), person AS (
    SELECT c.id, c.member_id, m.name, m.phone_hash, m.phone_tail, m.carrier, m.home_store_id, m.city,
           row_number() OVER (PARTITION BY m.phone_hash ORDER BY c.member_id) AS of_phone
    FROM chosen c LEFT JOIN members_member m ON m.id = c.member_id
)
SELECT p.id, p.member_id, p.name, p.phone_hash, p.phone_tail, p.carrier, p.home_store_id, p.city,
       COALESCE(b.last, 0) + 1 AS ordinal,
       CASE
           WHEN p.phone_hash IS NULL THEN 'NO_PHONE'
           WHEN p.of_phone > 1 OR EXISTS (
               SELECT 1 FROM delivery_message d
               WHERE d.month = %(month)s AND d.dispatch_id = %(dispatch_id)s AND d.dedupe_key = p.phone_hash)
               THEN 'SAME_PHONE'
           WHEN b.given >= %(member_limit)s THEN 'COUPON_LIMIT'
           ELSE ''
       END AS exclusion
FROM person p
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE NOT (c.state = 'VOID' AND c.void_reason = 'NOT_SENT')) AS given,
           max(c.ordinal) AS last
    FROM coupons_coupon c
    WHERE c.batch_id = %(batch_id)s AND c.member_id = p.member_id
) b ON %(batch_id)s::bigint IS NOT NULL
ORDER BY p.member_id
