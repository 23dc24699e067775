-- Consents that an import gave and that are still the last word of their phone: withdrawn, with an event each.
-- Locks: the gate rows, in order of phone, before the ledger is read. Indexes: consent_proof, consent_phone.
WITH given AS MATERIALIZED (
    SELECT g.phone_hash FROM members_phonegate g
    WHERE g.consent = 'GRANTED'
      AND g.phone_hash IN (SELECT phone_hash FROM members_consentevent
                           WHERE source = 'IMPORT' AND proof = %(proof)s AND consent = 'GRANTED')
    ORDER BY g.phone_hash
    FOR UPDATE
), last_word AS (
    SELECT given.phone_hash FROM given
    CROSS JOIN LATERAL (SELECT proof FROM members_consentevent e WHERE e.phone_hash = given.phone_hash
                        ORDER BY e.id DESC LIMIT 1) AS latest
    WHERE latest.proof = %(proof)s
), withdrawn AS (
    UPDATE members_phonegate g SET consent = 'NONE', changed_at = %(now)s
    FROM last_word WHERE g.phone_hash = last_word.phone_hash AND g.consent = 'GRANTED'
    RETURNING g.phone_hash
)
INSERT INTO members_consentevent (phone_hash, consent, source, proof, reason, at)
SELECT phone_hash, 'NONE', 'IMPORT', %(undone)s, '', %(now)s FROM withdrawn ORDER BY phone_hash
