-- Fold up to %(limit)s deltas into the tally. Locks: the deltas taken; tally rows in key order.
-- Run by one sweeper at a time; readers add both, so they see the same numbers before and after.
WITH taken AS (
    DELETE FROM delivery_tallydelta
    WHERE id IN (SELECT id FROM delivery_tallydelta ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING dispatch_id, variant, channel_id, hour, state, reason, message_count, part_count, cost
)
INSERT INTO delivery_tally AS t (dispatch_id, variant, channel_id, hour, state, reason, message_count, part_count, cost)
SELECT dispatch_id, variant, channel_id, hour, state, reason, sum(message_count), sum(part_count), sum(cost)
FROM taken
GROUP BY dispatch_id, variant, channel_id, hour, state, reason
ORDER BY dispatch_id, variant, channel_id, hour, state, reason
ON CONFLICT (dispatch_id, variant, channel_id, hour, state, reason) DO UPDATE
SET message_count = t.message_count + EXCLUDED.message_count,
    part_count = t.part_count + EXCLUDED.part_count,
    cost = t.cost + EXCLUDED.cost
