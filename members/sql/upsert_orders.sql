-- Orders from staging; a corrected date or amount changes the row, never doubles it.
-- Locks: the orders it writes, in order of number. Indexes: the unique order number, card number, store code,
-- the erased cards' hash.
WITH located AS MATERIALIZED (
    SELECT staging.*, member.id AS member_id, store.id AS store_id, erased.card_hash IS NOT NULL AS is_erased
    FROM staging
    LEFT JOIN members_member member ON member.card_no = staging.card_no
    LEFT JOIN members_store store ON store.code = staging.store_code
    LEFT JOIN members_erasure erased ON erased.card_hash = staging.card_hash
), written AS (
    INSERT INTO members_order AS o
        (order_no, member_id, store_id, paid_at, amount_fen, discount_fen, line_count)
    SELECT order_no, member_id, store_id, paid_at, amount_fen, discount_fen, line_count
    FROM located
    WHERE member_id IS NOT NULL AND (store_code = '' OR store_id IS NOT NULL)
    ORDER BY order_no
    ON CONFLICT (order_no) DO UPDATE SET
        member_id = EXCLUDED.member_id, store_id = EXCLUDED.store_id, paid_at = EXCLUDED.paid_at,
        amount_fen = EXCLUDED.amount_fen, discount_fen = EXCLUDED.discount_fen, line_count = EXCLUDED.line_count
    WHERE (o.member_id, o.store_id, o.paid_at, o.amount_fen, o.discount_fen, o.line_count)
        IS DISTINCT FROM (EXCLUDED.member_id, EXCLUDED.store_id, EXCLUDED.paid_at, EXCLUDED.amount_fen,
                          EXCLUDED.discount_fen, EXCLUDED.line_count)
    RETURNING (xmax = 0) AS is_new
), refused AS (
    SELECT line, CASE WHEN is_erased THEN 'ERASED' WHEN member_id IS NULL THEN 'CARD_UNKNOWN'
                      ELSE 'STORE_UNKNOWN' END AS outcome
    FROM located WHERE member_id IS NULL OR (store_code <> '' AND store_id IS NULL)
)
SELECT NULL::integer AS line, CASE WHEN is_new THEN 'NEW' ELSE 'CHANGED' END AS outcome, count(*) AS row_count
FROM written GROUP BY is_new
UNION ALL
SELECT NULL, 'SAME', (SELECT count(*) FROM located) - (SELECT count(*) FROM written) - (SELECT count(*) FROM refused)
UNION ALL
SELECT line, outcome, 1 FROM refused
