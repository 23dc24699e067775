-- Write messages, their queue entries and the tally of both. The braces hold the caller's SELECT of people, whose
-- order becomes the order of the ids. A person who is in the dispatch already breaks message_dedupe.
-- Locks: nothing that exists; the new rows only. Index: none read.
WITH people AS MATERIALIZED (
    SELECT nextval('delivery_message_id_seq') AS id, p.* FROM ({people}) p
), written AS (
    INSERT INTO delivery_message
        (month, id, dispatch_id, variant, dedupe_key, tier, template_version_id, params, member_id, phone_hash,
         phone_cipher, phone_tail, carrier, is_demo, state, reason, not_before, expires_at, fingerprint, sender_ref)
    SELECT %(month)s, id, %(dispatch_id)s, variant, dedupe_key, %(tier)s, template_version_id, params, member_id,
           phone_hash, phone_cipher, phone_tail, carrier, is_demo, 'PLANNED', '',
           COALESCE(not_before, %(not_before)s), %(expires_at)s, fingerprint, sender_ref
    FROM people
), queued AS (
    INSERT INTO delivery_ready (message_id, month, dispatch_id, carrier, priority, not_before)
    SELECT id, %(month)s, %(dispatch_id)s, carrier, %(priority)s, COALESCE(not_before, %(not_before)s) FROM people
), counted AS (
    INSERT INTO delivery_tallydelta
        (dispatch_id, variant, channel_id, hour, state, reason, message_count, part_count, cost)
    SELECT %(dispatch_id)s, variant, 0, date_trunc('hour', %(not_before)s::timestamptz), 'PLANNED', '', count(*), 0, 0
    FROM people GROUP BY variant
)
SELECT id FROM people ORDER BY id
