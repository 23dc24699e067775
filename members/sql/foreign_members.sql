-- Staged members whom a caller of these stores may not write: who is of another store, who would come to another, and
-- new ones of none. Each row taken out of staging is returned.
-- Locks nothing but the caller's own staging.
DELETE FROM staging AS s
USING (
    SELECT staged.line, member.id AS member_id, member.home_store_id AS is_in, store.id AS goes_to,
           COALESCE(staged.home_store, '') = '' AS stays
    FROM staging AS staged
    LEFT JOIN members_member AS member ON member.card_no = staged.card_no
    LEFT JOIN members_store AS store ON store.code = staged.home_store
) AS found
WHERE found.line = s.line AND NOT (
    (found.member_id IS NULL OR COALESCE(found.is_in = ANY(%(stores)s), FALSE))
    AND CASE WHEN found.stays THEN found.member_id IS NOT NULL
             ELSE COALESCE(found.goes_to = ANY(%(stores)s), FALSE) END
)
RETURNING s.line
