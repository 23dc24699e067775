-- The first twenty rows of each outcome of a dry run of members, after the upsert, before it is rolled back.
-- Indexes: the unique card number, import_change_member.
WITH judged AS (
    SELECT s.line, m.phone_tail, m.name, c.before, c.after,
           CASE WHEN c.id IS NULL THEN 'SAME' WHEN c.before IS NULL THEN 'NEW' ELSE 'CHANGED' END AS outcome
    FROM staging s
    JOIN members_member m ON m.card_no = s.card_no
    LEFT JOIN members_importchange c ON c.member_id = m.id AND c.import_file_id = %(import_id)s
    WHERE s.home_store = '' OR EXISTS (SELECT 1 FROM members_store store WHERE store.code = s.home_store)
), ranked AS (
    SELECT judged.*, row_number() OVER (PARTITION BY outcome ORDER BY line) AS place FROM judged
)
SELECT line, outcome, phone_tail, name, before, after FROM ranked WHERE place <= 20 ORDER BY outcome, line
