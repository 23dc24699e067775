-- Dispatches of a list whose tally (folded and deltas) is not what their messages come to, in one snapshot.
-- Reads whole dispatches. Indexes: message_dedupe, tally_once, tally_delta_dispatch.
WITH counted AS (
    SELECT dispatch_id, state, sum(message_count) AS n, sum(part_count) AS parts, sum(cost) AS cost
    FROM (
        SELECT dispatch_id, state, message_count, part_count, cost
        FROM delivery_tally WHERE dispatch_id = ANY(%(dispatch_ids)s)
        UNION ALL
        SELECT dispatch_id, state, message_count, part_count, cost
        FROM delivery_tallydelta WHERE dispatch_id = ANY(%(dispatch_ids)s)
    ) both_kinds
    GROUP BY dispatch_id, state
), ledger AS (
    SELECT dispatch_id, CASE WHEN state = 'CLAIMED' THEN 'PLANNED' ELSE state END AS state, count(*) AS n,
           sum(CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE parts END) AS parts,
           sum(CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE cost END) AS cost
    FROM delivery_message
    WHERE dispatch_id = ANY(%(dispatch_ids)s) AND month = ANY(%(months)s)
    GROUP BY 1, 2
)
SELECT DISTINCT dispatch_id
FROM counted c FULL JOIN ledger l USING (dispatch_id, state)
WHERE (COALESCE(c.n, 0), COALESCE(c.parts, 0), COALESCE(c.cost, 0))
   <> (COALESCE(l.n, 0), COALESCE(l.parts, 0), COALESCE(l.cost, 0))
ORDER BY dispatch_id
