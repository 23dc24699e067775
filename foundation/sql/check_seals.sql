-- Make the fingerprints of the next %(limit)s blocks of a ledger after number %(after)s again, from the rows that are
-- there now. Reads; one block's rows at a time are in memory. Indexes: seal_once, the ledger's primary key.
SELECT number, layout, first_id, last_id, row_count, previous_sha256, sha256,
       found_count = row_count AND found_marks = marks AS rows_fit, {sha256} = sha256 AS seal_fits
FROM (
    SELECT s.*, found_count, found_marks, rows_sha256
    FROM (
        SELECT * FROM foundation_ledgerseal
        WHERE ledger = %(ledger)s AND number > %(after)s ORDER BY number LIMIT %(limit)s
    ) s CROSS JOIN LATERAL (
        SELECT count(*) AS found_count,
               COALESCE(string_agg(int8send(id) || substr(digest, 1, 8), ''::bytea ORDER BY id), '') AS found_marks,
               COALESCE(encode(sha256(string_agg(digest, ''::bytea ORDER BY id)), 'hex'), '') AS rows_sha256
        FROM (
            SELECT id, sha256(convert_to(({columns})::text, 'UTF8')) AS digest FROM {table}
            WHERE id >= CASE s.number WHEN 1 THEN -9223372036854775808 ELSE s.first_id END AND id <= s.last_id
        ) line
    ) found
) b
ORDER BY number
