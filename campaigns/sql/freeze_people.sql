-- The people of a frozen chunk as delivery wants them; phones go from row to row and never through Python.
-- Reads members_member by primary key; locks nothing.
SELECT m.phone_hash AS dedupe_key, 'A' AS variant, %(template_version_id)s AS template_version_id,
       p.params, m.id AS member_id, m.phone_hash, m.phone_cipher, m.phone_tail, p.carrier, m.is_demo,
       %(fingerprint)s::uuid AS fingerprint, p.sender_ref, p.not_before
FROM jsonb_to_recordset(%(people)s::jsonb)
    AS p(member_id bigint, params jsonb, carrier text, sender_ref bigint, not_before timestamptz)
JOIN members_member m ON m.id = p.member_id
ORDER BY m.id
