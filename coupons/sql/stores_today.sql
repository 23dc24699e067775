-- Each open store, or of those in %(stores)s (null: every one), with what its tills did on the store's own business day
-- and in the seven days up to it. Closed stores appear as long as they have something to show.
-- Reads only. Indexes: redemption_store_day, attempt_store.
SELECT store.id, store.code, store.name, store.city, store.is_active,
       used.redeemed, used.saving_fen, used.undone, used.week_redeemed, used.week_saving_fen,
       (SELECT count(*) FROM coupons_redemptionattempt AS refused
        WHERE refused.store_id = store.id AND refused.at >= day.midnight AND refused.at <= %(now)s) AS refused
FROM members_store AS store
CROSS JOIN LATERAL (
    SELECT (%(now)s AT TIME ZONE store.zone)::date AS today,
           date_trunc('day', %(now)s AT TIME ZONE store.zone) AT TIME ZONE store.zone AS midnight
) AS day
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.business_date = day.today AND r.state = 'ACCEPTED') AS redeemed,
           COALESCE(sum(r.discount_fen) FILTER (WHERE r.business_date = day.today AND r.state = 'ACCEPTED'), 0)::bigint
               AS saving_fen,
           count(*) FILTER (WHERE r.business_date = day.today AND r.state = 'REVERSED') AS undone,
           count(*) FILTER (WHERE r.state = 'ACCEPTED') AS week_redeemed,
           COALESCE(sum(r.discount_fen) FILTER (WHERE r.state = 'ACCEPTED'), 0)::bigint AS week_saving_fen
    FROM coupons_redemption AS r
    WHERE r.store_id = store.id AND r.business_date BETWEEN day.today - 6 AND day.today
) AS used
WHERE (%(stores)s::bigint[] IS NULL OR store.id = ANY(%(stores)s))
  AND (store.is_active OR used.week_redeemed > 0 OR used.undone > 0)
ORDER BY used.redeemed DESC, refused DESC, used.week_redeemed DESC, store.code
