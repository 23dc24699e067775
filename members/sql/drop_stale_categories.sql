-- Forget what a member bought of a category when no order line says so any more (a corrected line or order).
-- Locks: the rows it deletes. Indexes: order_member, order_line_once.
DELETE FROM members_categorypurchase c
WHERE NOT EXISTS (
    SELECT 1 FROM members_order o JOIN members_orderline l ON l.order_id = o.id
    WHERE o.member_id = c.member_id AND l.category = c.category
)
