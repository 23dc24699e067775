-- Seal the next rows of a ledger, at most %(limit)s and none above %(until)s, as one block chained to the last one.
-- Of two sealers one gets the number, the other writes nothing. Locks no row of the ledger. Indexes: its primary
-- key, seal_once. Blocks leave no room between them; the first one also holds whatever lies below id 1.
WITH head AS (
    SELECT number, last_id, sha256 FROM foundation_ledgerseal
    WHERE ledger = %(ledger)s ORDER BY number DESC LIMIT 1
), place AS (
    SELECT COALESCE((SELECT number FROM head), 0) + 1 AS number, COALESCE((SELECT last_id FROM head), 0) + 1 AS first_id,
           COALESCE((SELECT last_id FROM head) + 1, -9223372036854775808) AS lowest_id,
           COALESCE((SELECT sha256 FROM head), '') AS previous_sha256
), line AS (
    SELECT id, sha256(convert_to(({columns})::text, 'UTF8')) AS digest
    FROM {table} WHERE id >= (SELECT lowest_id FROM place) AND id <= %(until)s ORDER BY id LIMIT %(limit)s
), b AS (
    SELECT %(ledger)s::text AS ledger, place.number, %(layout)s::int AS layout, first_id, last_id, row_count,
           %(now)s::timestamptz AS sealed_at, previous_sha256, rows_sha256, marks
    FROM place, (
        SELECT count(*) AS row_count, max(id) AS last_id,
               encode(sha256(string_agg(digest, ''::bytea ORDER BY id)), 'hex') AS rows_sha256,
               string_agg(int8send(id) || substr(digest, 1, 8), ''::bytea ORDER BY id) AS marks
        FROM line
    ) content
    WHERE row_count > 0
)
INSERT INTO foundation_ledgerseal
    (ledger, number, layout, first_id, last_id, row_count, marks, previous_sha256, sha256, sealed_at)
SELECT ledger, number, layout, first_id, last_id, row_count, marks, previous_sha256, {sha256}, sealed_at FROM b
ON CONFLICT (ledger, number) DO NOTHING
RETURNING row_count
