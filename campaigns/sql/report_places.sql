-- The people of a run who were to receive it, by variant, city and home store, with what they redeemed: as many rows
-- as there are places. Who has moved since counts at the new place with what they redeemed, at the old as receiver.
-- With %(stores)s only people of these home stores.
-- Only %(several)s variants make it look up who got which.
-- Reads only. Indexes: run_place_once, redemption_source, member's primary key, run_audience_once.
WITH used AS (
    SELECT COALESCE(a.variant, 'A') AS variant, COALESCE(m.city, '') AS city, m.home_store_id AS store_id,
           count(*) AS redeemed, sum(r.discount_fen) AS saving_fen
    FROM coupons_redemption r
    LEFT JOIN members_member m ON m.id = r.member_id
    LEFT JOIN campaigns_runaudience a ON %(several)s AND a.run_id = %(run_id)s AND a.member_id = r.member_id
    WHERE r.source = %(source)s AND r.state = 'ACCEPTED'
    GROUP BY 1, 2, 3
), counted AS (
    SELECT variant, city, store_id, people_count AS people, 0 AS redeemed, 0 AS saving_fen
    FROM campaigns_runplace WHERE run_id = %(run_id)s
    UNION ALL
    SELECT variant, city, store_id, 0, redeemed, saving_fen FROM used
)
SELECT c.variant, c.city, c.store_id, COALESCE(s.name, '') AS store, sum(c.people)::bigint AS people,
       sum(c.redeemed)::bigint AS redeemed, sum(c.saving_fen)::bigint AS saving_fen
FROM counted c LEFT JOIN members_store s ON s.id = c.store_id
WHERE %(stores)s::bigint[] IS NULL OR c.store_id = ANY(%(stores)s)
GROUP BY c.variant, c.city, c.store_id, s.name
ORDER BY c.variant, c.city, s.name, c.store_id
