-- What was sealed of the rows of one block beside what they are now. Reads. Index: the ledger's primary key.
SELECT s.marks, (
    SELECT COALESCE(string_agg(int8send(id) || substr(digest, 1, 8), ''::bytea ORDER BY id), '')
    FROM (
        SELECT id, sha256(convert_to(({columns})::text, 'UTF8')) AS digest FROM {table}
        WHERE id >= CASE s.number WHEN 1 THEN -9223372036854775808 ELSE s.first_id END AND id <= s.last_id
    ) line
) AS found_marks
FROM foundation_ledgerseal s WHERE s.ledger = %(ledger)s AND s.number = %(number)s
