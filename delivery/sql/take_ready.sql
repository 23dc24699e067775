-- Take up to %(limit)s due messages of one lot (dispatch and carrier) for one worker, skipping what another worker holds.
-- The try is counted by what comes of it: a message that the gate sends back has not been tried.
-- Locks: the queue entries, then the messages; both die or live with the hand-off row of the same transaction.
-- Indexes: ready_take_lot, delivery_message's primary key.
WITH due AS (
    SELECT message_id FROM delivery_ready
    WHERE dispatch_id = %(dispatch_id)s AND carrier = %(carrier)s AND not_before <= %(now)s
    ORDER BY priority, not_before, message_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM delivery_ready r USING due WHERE r.message_id = due.message_id RETURNING r.message_id
)
UPDATE delivery_message m
SET state = 'CLAIMED', channel_id = %(channel_id)s
FROM taken
WHERE m.month = %(month)s AND m.id = taken.message_id AND m.state = 'PLANNED'
RETURNING m.id, m.phone_hash, m.phone_cipher, m.fingerprint, m.template_version_id, m.params, m.is_demo,
          m.tries + 1 AS tries, m.expires_at
