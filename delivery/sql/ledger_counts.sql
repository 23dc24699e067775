-- The truth that tallies must equal: messages of some dispatches counted from the ledger itself.
-- Reads whole dispatches: for the audit and the report's proof, not for live pages. Index: message_dedupe.
SELECT dispatch_id, variant,
       CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE COALESCE(channel_id, 0) END AS channel_id,
       CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 'PLANNED' ELSE state END AS state,
       CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN '' ELSE reason END AS reason,
       count(*) AS message_count,
       sum(CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE parts END)::bigint AS part_count,
       sum(CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE cost END)::bigint AS cost
FROM delivery_message
WHERE dispatch_id = ANY(%(dispatch_ids)s)
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5
