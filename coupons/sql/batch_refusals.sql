-- Who was refused most often with coupons of a batch since an instant, with the commonest reason.
-- Reads only. Index: the coupon's primary key; the attempts themselves are few.
WITH refused AS (
    SELECT a.clerk_id, a.store_id, a.reason, count(*) AS times
    FROM coupons_redemptionattempt a JOIN coupons_coupon c ON c.id = a.coupon_id
    WHERE c.batch_id = %(batch_id)s AND a.at >= %(since)s
    GROUP BY a.clerk_id, a.store_id, a.reason
)
SELECT COALESCE(NULLIF(o.display_name, ''), o.username) AS clerk, s.name AS store, sum(r.times)::bigint AS times,
       (array_agg(r.reason ORDER BY r.times DESC, r.reason))[1] AS reason
FROM refused r JOIN foundation_operator o ON o.id = r.clerk_id JOIN members_store s ON s.id = r.store_id
GROUP BY o.id, s.id HAVING sum(r.times) >= %(fewest)s
ORDER BY times DESC, clerk LIMIT %(limit)s
