-- First and last purchase, count, spend, RFM bands and lifecycle of every member at %(now)s, from orders.
-- The rules are members/rules/rfm.py; a test holds both together. Only rows that differ are written.
-- Locks: the members it writes. Index: order_member.
WITH bought AS (
    SELECT m.id, m.joined_at, min(o.paid_at) AS first_at, max(o.paid_at) AS last_at, count(o.id) AS times,
           COALESCE(sum(o.amount_fen), 0) AS spend,
           count(o.id) FILTER (WHERE o.paid_at > %(now)s - make_interval(days => %(window_days)s)) AS recent_times,
           COALESCE(sum(o.amount_fen) FILTER (WHERE o.paid_at > %(now)s - make_interval(days => %(window_days)s)), 0)
               AS recent_spend
    FROM members_member m LEFT JOIN members_order o ON o.member_id = m.id AND o.paid_at <= %(now)s
    GROUP BY m.id
), bounds AS (
    SELECT percentile_disc(%(quintiles)s::float8[]) WITHIN GROUP (ORDER BY recent_times) AS f,
           percentile_disc(%(quintiles)s::float8[]) WITHIN GROUP (ORDER BY recent_spend) AS m
    FROM bought WHERE recent_times > 0
), days AS (
    SELECT b.*, floor(extract(epoch FROM %(now)s - b.last_at) / 86400)::integer AS last_days,
           floor(extract(epoch FROM %(now)s - b.joined_at) / 86400)::integer AS joined_days
    FROM bought b
), judged AS (
    SELECT d.id, d.first_at, d.last_at, d.times, d.spend,
           CASE WHEN d.last_days IS NULL THEN 1
                ELSE 5 - (SELECT count(*) FROM unnest(%(recency)s::integer[]) AS r(days) WHERE r.days < d.last_days)
           END AS r,
           CASE WHEN d.times = 0 THEN 1
                ELSE 1 + (SELECT count(*) FROM unnest(bounds.f) AS q(v) WHERE q.v < d.recent_times) END AS f,
           CASE WHEN d.times = 0 THEN 1
                ELSE 1 + (SELECT count(*) FROM unnest(bounds.m) AS q(v) WHERE q.v < d.recent_spend) END AS m,
           CASE WHEN d.times = 0 THEN 'PROSPECT'
                WHEN d.joined_days <= %(new_days)s THEN 'NEW'
                WHEN d.last_days <= %(active_days)s THEN 'ACTIVE'
                WHEN d.last_days <= %(dormant_days)s THEN 'DORMANT'
                ELSE 'LOST' END AS stage
    FROM days d CROSS JOIN bounds
)
UPDATE members_member m
SET first_purchase_at = j.first_at, last_purchase_at = j.last_at, purchase_count = j.times, spend_fen = j.spend,
    rfm_r = j.r, rfm_f = j.f, rfm_m = j.m, lifecycle = j.stage
FROM judged j
WHERE m.id = j.id
  AND (m.first_purchase_at, m.last_purchase_at, m.purchase_count, m.spend_fen, m.rfm_r, m.rfm_f, m.rfm_m, m.lifecycle)
      IS DISTINCT FROM (j.first_at, j.last_at, j.times::integer, j.spend, j.r::smallint, j.f::smallint, j.m::smallint,
                        j.stage)
