-- Messages of some dispatches that are not where their state says, in one snapshot: waiting but not queued, in hands
-- but in no open hand-off, unsure but not listed, queued without waiting, open in a finished dispatch.
-- Reads whole dispatches. Indexes: message_dedupe, queue's and unsure list's primary keys, handoff_open.
WITH m AS (
    SELECT id, dispatch_id, state FROM delivery_message
    WHERE dispatch_id = ANY(%(dispatch_ids)s) AND month = ANY(%(months)s)
      AND state IN ('PLANNED', 'CLAIMED', 'UNSURE')
), held AS (
    SELECT unnest(message_ids) AS id FROM delivery_handoff WHERE state IN ('TAKEN', 'FENCED')
)
SELECT 'queue' AS name, m.id FROM m
WHERE m.state = 'PLANNED' AND NOT EXISTS (SELECT 1 FROM delivery_ready r WHERE r.message_id = m.id)
UNION ALL
SELECT 'queue', r.message_id FROM delivery_ready r
WHERE r.dispatch_id = ANY(%(dispatch_ids)s)
  AND NOT EXISTS (SELECT 1 FROM m WHERE m.id = r.message_id AND m.state = 'PLANNED')
UNION ALL
SELECT 'handoffs', m.id FROM m
WHERE m.state = 'CLAIMED' AND NOT EXISTS (SELECT 1 FROM held h WHERE h.id = m.id)
UNION ALL
SELECT 'unsure', m.id FROM m
WHERE m.state = 'UNSURE' AND NOT EXISTS (SELECT 1 FROM delivery_unsuremessage u WHERE u.message_id = m.id)
UNION ALL
SELECT 'unsure', u.message_id FROM delivery_unsuremessage u
WHERE u.dispatch_id = ANY(%(dispatch_ids)s)
  AND NOT EXISTS (SELECT 1 FROM m WHERE m.id = u.message_id AND m.state = 'UNSURE')
UNION ALL
SELECT 'finished', m.id FROM m JOIN delivery_dispatch d ON d.id = m.dispatch_id
WHERE m.state IN ('PLANNED', 'CLAIMED') AND d.closed_at IS NOT NULL
