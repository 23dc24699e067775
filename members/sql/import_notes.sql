-- What a dry run of members tells beside its counts, read from staging after the upsert, before it is rolled back.
-- Indexes: the gates' primary key.
SELECT count(DISTINCT s.phone_hash) FILTER (WHERE s.marketing_consent AND g.consent = 'OPTED_OUT') AS opted_out,
       count(DISTINCT s.phone_hash) FILTER (WHERE g.consent IS NULL OR g.consent = 'NONE') AS without_consent
FROM staging s LEFT JOIN members_phonegate g ON g.phone_hash = s.phone_hash
