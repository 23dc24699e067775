-- One part of an import's changes taken back, in order of their number. A member it made goes when nothing hangs on
-- it and no later import touched it; one it changed gets its old values when it still has the new ones.
-- The changes that were taken back go too; those that stay say what was left as it is.
-- Locks: the members of the part. The caller holds the lock of all who write members.
-- Indexes: import_change_part, import_change_member, member's primary key, order's member.
WITH part AS MATERIALIZED (
    SELECT id, member_id, before, after FROM members_importchange
    WHERE import_file_id = %(import_id)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
), restored AS (
    UPDATE members_member m
    SET (name, phone_hash, phone_cipher, phone_tail, carrier, gender, birthday, home_store_id, city, level, joined_at,
         income_band, household_size, kids) =
        (SELECT r.name, r.phone_hash, r.phone_cipher, r.phone_tail, r.carrier, r.gender, r.birthday, r.home_store_id,
                r.city, r.level, r.joined_at, r.income_band, r.household_size, r.kids
         FROM jsonb_populate_record(m, part.before) AS r)
    FROM part
    WHERE m.id = part.member_id AND part.before IS NOT NULL AND m.erased_at IS NULL AND to_jsonb(m) @> part.after
    RETURNING part.id
), gone AS (
    DELETE FROM members_member m USING part
    WHERE m.id = part.member_id AND part.before IS NULL
      AND NOT EXISTS (SELECT 1 FROM members_order o WHERE o.member_id = m.id)
      AND NOT EXISTS (SELECT 1 FROM members_importchange later
                      WHERE later.member_id = m.id AND later.import_file_id <> %(import_id)s)
    RETURNING part.id
), cleared AS (
    DELETE FROM members_importchange c
    USING (SELECT id FROM restored UNION ALL SELECT id FROM gone) AS taken_back WHERE c.id = taken_back.id
)
SELECT (SELECT count(*) FROM part) AS read, (SELECT count(*) FROM restored) AS restored,
       (SELECT count(*) FROM gone) AS deleted, (SELECT max(id) FROM part) AS last
