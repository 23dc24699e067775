-- The busiest minutes of each clerk and store with a batch since an instant: how many were redeemed, until when, how
-- many of them were typed, and the tickets' range in fen. Undone ones count: haste shows in them too.
-- Reads only. Index: redemption_batch.
WITH run AS (
    SELECT clerk_id, store_id, redeemed_at,
           count(*) OVER lately AS uses, min(redeemed_at) OVER lately AS begun_at,
           count(*) FILTER (WHERE input_channel = 'TYPED') OVER lately AS typed,
           min(ticket_fen) OVER lately AS least_fen, max(ticket_fen) OVER lately AS most_fen
    FROM coupons_redemption
    WHERE batch_id = %(batch_id)s AND redeemed_at >= %(since)s
    WINDOW lately AS (
        PARTITION BY clerk_id, store_id ORDER BY redeemed_at
        RANGE BETWEEN make_interval(mins => %(minutes)s) PRECEDING AND CURRENT ROW)
), busiest AS (
    SELECT DISTINCT ON (clerk_id, store_id) * FROM run
    WHERE uses >= %(fewest)s ORDER BY clerk_id, store_id, uses DESC, redeemed_at
)
SELECT COALESCE(NULLIF(o.display_name, ''), o.username) AS clerk, s.name AS store, b.uses, b.typed, b.begun_at,
       b.redeemed_at AS ended_at, b.least_fen, b.most_fen
FROM busiest b JOIN foundation_operator o ON o.id = b.clerk_id JOIN members_store s ON s.id = b.store_id
ORDER BY b.uses DESC, b.redeemed_at LIMIT %(limit)s
