-- Stores from staging: new, changed, same, one row per outcome.
-- Locks: the stores it writes, in order of code. Index: the unique code.
WITH written AS (
    INSERT INTO members_store AS s (code, name, city, zone, is_active)
    SELECT store_code, name, city, 'Asia/Shanghai', true FROM staging ORDER BY store_code
    ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, city = EXCLUDED.city
    WHERE (s.name, s.city) IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.city)
    RETURNING (xmax = 0) AS is_new
)
SELECT NULL::integer AS line, CASE WHEN is_new THEN 'NEW' ELSE 'CHANGED' END AS outcome, count(*) AS row_count
FROM written GROUP BY is_new
UNION ALL
SELECT NULL, 'SAME', (SELECT count(*) FROM staging) - (SELECT count(*) FROM written)
