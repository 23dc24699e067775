-- Staged orders that a caller of these stores may not write: of another store or of none, now or before. Each row taken
-- out of staging is returned.
-- Locks nothing but the caller's own staging.
DELETE FROM staging AS s
USING (
    SELECT staged.line, bill.id AS order_id, bill.store_id AS was_in, store.id AS is_in
    FROM staging AS staged
    LEFT JOIN members_order AS bill ON bill.order_no = staged.order_no
    LEFT JOIN members_store AS store ON store.code = staged.store_code
) AS found
WHERE found.line = s.line AND NOT (
    COALESCE(found.is_in = ANY(%(stores)s), FALSE)
    AND (found.order_id IS NULL OR COALESCE(found.was_in = ANY(%(stores)s), FALSE))
)
RETURNING s.line
