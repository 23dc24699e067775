-- What each member bought of each category, from order lines. Only rows that differ are written.
-- Locks: the rows it writes. Indexes: order_line_once, category_purchase_once.
INSERT INTO members_categorypurchase AS c (member_id, category, last_bought_at, order_count, spend_fen)
SELECT o.member_id, l.category, max(o.paid_at), count(DISTINCT o.id), sum(l.amount_fen)
FROM members_orderline l JOIN members_order o ON o.id = l.order_id
WHERE l.category <> ''
GROUP BY o.member_id, l.category
ORDER BY o.member_id, l.category
ON CONFLICT (member_id, category) DO UPDATE SET
    last_bought_at = EXCLUDED.last_bought_at, order_count = EXCLUDED.order_count, spend_fen = EXCLUDED.spend_fen
WHERE (c.last_bought_at, c.order_count, c.spend_fen)
    IS DISTINCT FROM (EXCLUDED.last_bought_at, EXCLUDED.order_count, EXCLUDED.spend_fen)
