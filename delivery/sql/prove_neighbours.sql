-- References and cap slots of some months whose message does not bear them out, in one snapshot: a provider's id of a
-- message that was never handed over, a slot held by one that provably reached nobody.
-- Reads references and slots since %(since)s. Index: delivery_message's primary key.
SELECT 'references' AS name, f.message_id AS id
FROM delivery_vendorref f
LEFT JOIN delivery_message m ON m.month = f.month AND m.id = f.message_id
WHERE f.created_at >= %(since)s AND (m.id IS NULL OR m.state IN ('PLANNED', 'CLAIMED', 'EXCLUDED', 'EXPIRED', 'CANCELLED'))
UNION ALL
SELECT 'slots', c.message_id
FROM delivery_capentry c
JOIN delivery_message m ON m.id = c.message_id AND m.month = ANY(%(months)s)
WHERE c.at >= %(since)s AND m.state IN ('PLANNED', 'EXCLUDED', 'EXPIRED', 'CANCELLED', 'REFUSED')
