-- Order lines from staging, hung on their orders.
-- Locks: the lines it writes, in order of order and article. Indexes: the unique order number, order_line_once.
WITH located AS MATERIALIZED (
    SELECT staging.*, o.id AS order_id FROM staging LEFT JOIN members_order o ON o.order_no = staging.order_no
), written AS (
    INSERT INTO members_orderline AS l (order_id, sku, product, category, quantity_milli, amount_fen)
    SELECT order_id, sku, product, category, quantity_milli, amount_fen
    FROM located WHERE order_id IS NOT NULL ORDER BY order_id, sku
    ON CONFLICT (order_id, sku) DO UPDATE SET
        product = EXCLUDED.product, category = EXCLUDED.category,
        quantity_milli = EXCLUDED.quantity_milli, amount_fen = EXCLUDED.amount_fen
    WHERE (l.product, l.category, l.quantity_milli, l.amount_fen)
        IS DISTINCT FROM (EXCLUDED.product, EXCLUDED.category, EXCLUDED.quantity_milli, EXCLUDED.amount_fen)
    RETURNING (xmax = 0) AS is_new
), refused AS (
    SELECT line FROM located WHERE order_id IS NULL
)
SELECT NULL::integer AS line, CASE WHEN is_new THEN 'NEW' ELSE 'CHANGED' END AS outcome, count(*) AS row_count
FROM written GROUP BY is_new
UNION ALL
SELECT NULL, 'SAME', (SELECT count(*) FROM located) - (SELECT count(*) FROM written) - (SELECT count(*) FROM refused)
UNION ALL
SELECT line, 'ORDER_UNKNOWN', 1 FROM refused
