-- Members from staging: refused lines one by one, the others as counts per outcome.
-- A blank cell keeps what is known; the ciphertext changes only with the number. Each member it makes or changes
-- leaves a row in members_importchange, the columns that differ before and after: what an undo goes by.
-- A card that was erased is refused: nobody comes back because another system still knows them.
-- Locks: the members it writes, in order of card number. Indexes: the unique card number, the erased cards' hash.
WITH located AS MATERIALIZED (
    SELECT staging.*, store.id AS home_store_id,
           CASE WHEN erased.card_hash IS NOT NULL THEN 'ERASED'
                WHEN home_store <> '' AND store.id IS NULL THEN 'STORE_UNKNOWN' ELSE '' END AS refusal
    FROM staging
    LEFT JOIN members_store store ON store.code = staging.home_store
    LEFT JOIN members_erasure erased ON erased.card_hash = staging.card_hash
), earlier AS MATERIALIZED (
    SELECT m.id, m AS facts FROM members_member m JOIN located USING (card_no) WHERE %(keeps_changes)s
), written AS (
    INSERT INTO members_member AS m
        (card_no, name, phone_hash, phone_cipher, phone_tail, carrier, gender, birthday, home_store_id, city, level,
         joined_at, income_band, household_size, kids, is_demo, purchase_count, spend_fen, rfm_r, rfm_f, rfm_m,
         lifecycle)
    SELECT card_no, name, phone_hash, phone_cipher, phone_tail, carrier, gender, birthday, home_store_id, city, level,
           joined_at, income_band, household_size, kids, %(is_demo)s, 0, 0, 0, 0, 0, 'PROSPECT'
    FROM located
    WHERE refusal = ''
    ORDER BY card_no
    ON CONFLICT (card_no) DO UPDATE SET
        name = COALESCE(NULLIF(EXCLUDED.name, ''), m.name),
        phone_hash = EXCLUDED.phone_hash,
        phone_cipher = CASE WHEN m.phone_hash = EXCLUDED.phone_hash THEN m.phone_cipher ELSE EXCLUDED.phone_cipher END,
        phone_tail = EXCLUDED.phone_tail,
        carrier = EXCLUDED.carrier,
        gender = COALESCE(NULLIF(EXCLUDED.gender, ''), m.gender),
        birthday = COALESCE(EXCLUDED.birthday, m.birthday),
        home_store_id = COALESCE(EXCLUDED.home_store_id, m.home_store_id),
        city = COALESCE(NULLIF(EXCLUDED.city, ''), m.city),
        level = COALESCE(NULLIF(EXCLUDED.level, ''), m.level),
        joined_at = COALESCE(EXCLUDED.joined_at, m.joined_at),
        income_band = COALESCE(NULLIF(EXCLUDED.income_band, ''), m.income_band),
        household_size = COALESCE(EXCLUDED.household_size, m.household_size),
        kids = COALESCE(EXCLUDED.kids, m.kids)
    WHERE m.erased_at IS NULL AND (m.phone_hash, m.name, m.gender, m.birthday, m.home_store_id, m.city, m.level, m.joined_at, m.income_band,
           m.household_size, m.kids)
        IS DISTINCT FROM
          (EXCLUDED.phone_hash, COALESCE(NULLIF(EXCLUDED.name, ''), m.name),
           COALESCE(NULLIF(EXCLUDED.gender, ''), m.gender), COALESCE(EXCLUDED.birthday, m.birthday),
           COALESCE(EXCLUDED.home_store_id, m.home_store_id), COALESCE(NULLIF(EXCLUDED.city, ''), m.city),
           COALESCE(NULLIF(EXCLUDED.level, ''), m.level), COALESCE(EXCLUDED.joined_at, m.joined_at),
           COALESCE(NULLIF(EXCLUDED.income_band, ''), m.income_band),
           COALESCE(EXCLUDED.household_size, m.household_size), COALESCE(EXCLUDED.kids, m.kids))
    RETURNING m.id, (xmax = 0) AS is_new, CASE WHEN xmax <> 0 AND %(keeps_changes)s THEN to_jsonb(m) END AS facts
), kept AS (
    INSERT INTO members_importchange (import_file_id, member_id, before, after)
    SELECT %(import_id)s, written.id, differing.before, differing.after
    FROM written LEFT JOIN earlier ON earlier.id = written.id
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(was.key, was.value) AS before, jsonb_object_agg(was.key, written.facts -> was.key) AS after
        FROM jsonb_each(to_jsonb(earlier.facts)) AS was
        WHERE NOT written.is_new AND was.value IS DISTINCT FROM written.facts -> was.key
    ) AS differing
    WHERE %(keeps_changes)s
    ORDER BY written.id
), refused AS (
    SELECT line, refusal FROM located WHERE refusal <> ''
)
SELECT NULL::integer AS line, CASE WHEN is_new THEN 'NEW' ELSE 'CHANGED' END AS outcome, count(*) AS row_count
FROM written GROUP BY is_new
UNION ALL
SELECT NULL, 'SAME', (SELECT count(*) FROM located) - (SELECT count(*) FROM written) - (SELECT count(*) FROM refused)
UNION ALL
SELECT line, refusal, 1 FROM refused
