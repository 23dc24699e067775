-- What a member file, or a call of the API, says of marketing consent, per phone; several cards of one phone: one "no" is a no.
-- An opt-out by the person is never revived, and a blank cell says nothing. Each change is an event with its proof.
-- A line that was refused (its store is unknown, its card was erased) says nothing either.
-- Locks: the gate rows, in order of phone. Index: the primary key.
WITH told AS (
    SELECT phone_hash, CASE WHEN bool_and(marketing_consent) THEN 'GRANTED' ELSE 'NONE' END AS consent
    FROM staging
    WHERE marketing_consent IS NOT NULL
      AND (home_store = '' OR EXISTS (SELECT 1 FROM members_store store WHERE store.code = staging.home_store))
      AND NOT EXISTS (SELECT 1 FROM members_erasure erased WHERE erased.card_hash = staging.card_hash)
    GROUP BY phone_hash
), changed AS (
    INSERT INTO members_phonegate AS g (phone_hash, consent, changed_at)
    SELECT phone_hash, consent, %(now)s FROM told ORDER BY phone_hash
    ON CONFLICT (phone_hash) DO UPDATE SET consent = EXCLUDED.consent, changed_at = EXCLUDED.changed_at
    WHERE g.consent <> 'OPTED_OUT' AND g.consent <> EXCLUDED.consent
    RETURNING phone_hash, consent, (xmax = 0) AS is_new
)
INSERT INTO members_consentevent (phone_hash, consent, source, proof, reason, at)
SELECT phone_hash, consent, %(source)s, %(proof)s, '', %(now)s FROM changed
WHERE NOT (is_new AND consent = 'NONE')
ORDER BY phone_hash
