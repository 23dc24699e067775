-- What pages show: folded tally plus deltas, in one statement so that nothing is counted twice or not at all.
-- Indexes: tally_once, tally_delta_dispatch.
SELECT dispatch_id, variant, channel_id, state, reason,
       sum(message_count)::bigint AS message_count, sum(part_count)::bigint AS part_count, sum(cost)::bigint AS cost
FROM (
    SELECT dispatch_id, variant, channel_id, state, reason, message_count, part_count, cost
    FROM delivery_tally WHERE dispatch_id = ANY(%(dispatch_ids)s)
    UNION ALL
    SELECT dispatch_id, variant, channel_id, state, reason, message_count, part_count, cost
    FROM delivery_tallydelta WHERE dispatch_id = ANY(%(dispatch_ids)s)
) counted
GROUP BY dispatch_id, variant, channel_id, state, reason
HAVING sum(message_count) <> 0
ORDER BY dispatch_id, variant, channel_id, state, reason
